/** Halt, flatten and re-arm: what is open, and what became of what was asked. */
import { reactive } from "vue";
import { ApiFailure, client, taken, type Shapes } from "@/api/client";
import { link } from "@/api/realtime";
import { useDesk } from "@/lib/desk";

export type Verb = "halt" | "flatten" | "resume";

export const asking = reactive({ verb: null as Verb | null, account: null as string | null });

export function ask(verb: Verb, account: string | null = null): void {
  asking.verb = verb;
  asking.account = account;
}

export type Outcome =
  | { state: "idle" | "sending" | "unknown" }
  | { state: "asked"; answer: Shapes["Asked"]; seq: number } // the journal's last row before it
  | { state: "failed"; failure: ApiFailure };

const PATIENCE_MS = 5_000;

/** Asks once. Without an answer after five seconds the outcome is unknown: it is never sent again by itself. */
export async function request(verb: Verb, accounts: string[] | null, reason: string): Promise<Outcome> {
  const seq = Math.max(link.seq, useDesk().system.data.value?.journal?.seq ?? 0); // also before the line stands
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const body = { accounts, reason };
  try {
    const answer = await taken(
      verb === "halt"
        ? client.POST("/api/v1/halt", { body, signal })
        : verb === "flatten"
          ? client.POST("/api/v1/flatten", { body, signal })
          : client.POST("/api/v1/resume", { body, signal }),
    );
    return { state: "asked", answer, seq };
  } catch (error) {
    if (signal.aborted) return { state: "unknown" };
    if (error instanceof ApiFailure) return { state: "failed", failure: error };
    throw error;
  }
}
