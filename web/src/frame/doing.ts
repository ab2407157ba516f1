/**
 * How far what was asked of the trader has come. That a request was accepted is not that it is done:
 * it is left for the trader, taken by it, worked on, and done; the journal and the accounts say which.
 */
import { computed, type ComputedRef } from "vue";
import { client, taken, type Shapes } from "@/api/client";
import { useResource } from "@/api/resource";
import type { Verb } from "@/frame/stopping";

type Account = Pick<Shapes["Account"], "account" | "mode" | "to_cancel" | "to_close">;
type Trip = Pick<Shapes["Trip"], "seq" | "kind" | "account" | "text">;
/** `unclear`: the trader has it, and whether it is done is not known. */
export interface Doing { account: string; stage: "left" | "working" | "unclear" | "done" | "refused"; toCancel: number; toClose: number; why: string | null }

const TAKEN: Record<Verb, string> = { halt: "HaltRequested", flatten: "HaltRequested", resume: "RearmRequested" };

/** Of one account. `trips` are those that were written since it was asked, the newest first. */
export function doingOf(verb: Verb, account: Account, trips: readonly Trip[]): Doing {
  const own = trips.filter((one) => one.account === account.account);
  const found = { account: account.account, toCancel: account.to_cancel ?? 0, toClose: account.to_close ?? 0, why: null as string | null };
  const isTaken = own.some((one) => one.kind === TAKEN[verb]);
  if (!isTaken) return { ...found, stage: "left" };
  if (verb === "resume") {
    const answer = own.find((one) => one.kind === "Rearmed" || one.kind === "RearmRefused");
    if (answer?.kind === "RearmRefused") return { ...found, stage: "refused", why: answer.text };
    return { ...found, stage: answer !== undefined && account.mode === "trading" ? "done" : "working" };
  }
  if (account.to_cancel === null || account.to_close === null) return { ...found, stage: "unclear" };
  const isDone = account.mode === "halted" && account.to_cancel === 0 && (verb === "halt" || account.to_close === 0);
  return { ...found, stage: isDone ? "done" : "working" };
}

/** `asked` names what is followed, with the journal's last row before it; nothing is read without. */
export function useDoing(asked: () => { verb: Verb; accounts: readonly string[]; seq: number } | undefined): ComputedRef<Doing[] | undefined> {
  const read = useResource(null, async () => {
    const { verb, accounts, seq } = asked()!;
    // Trips first: the accounts that are read after them are never older.
    const trips = (await taken(client.GET("/api/v1/risk/trips", { params: { query: { limit: 50 } } }))).items.filter((one) => one.seq > seq);
    const rows = await taken(client.GET("/api/v1/accounts"));
    return rows.filter((one) => accounts.includes(one.account)).map((one) => doingOf(verb, one, trips));
  }, { topics: ["risk.", "order.", "account.", "system."], every: 2_000, when: asked });
  return computed(() => read.data.value);
}
