/** What rules and people hold back, the strictest first. */
import type { Shapes } from "@/api/client";

export type HoldOf = Shapes["Hold"] & { account: string };

/** From the strictest: what closes positions, what stops everything new, what stops increases. */
const STRICTNESS = ["flatten", "halt", "reduce_only", "scale", "warn"];
const rank = (action: string): number => (STRICTNESS.includes(action) ? STRICTNESS.indexOf(action) : STRICTNESS.length);
/** A whole account before one strategy of it, a strategy before one instrument. */
const narrowness = (h: HoldOf): number => (h.strategy === null ? 0 : 1) + (h.instrument === null ? 0 : 2);

/** Whether a whole account stands still by it. */
export const haltsAccount = (h: Pick<HoldOf, "action" | "strategy" | "instrument">): boolean =>
  (h.action === "halt" || h.action === "flatten") && h.strategy === null && h.instrument === null;

/** Every hold in force: what halts a whole account first; of two that are as strict the wider, then the older. */
export function holdsOf(accounts: readonly Pick<Shapes["Account"], "account" | "holds">[]): HoldOf[] {
  return accounts
    .flatMap((a) => a.holds.map((h) => ({ ...h, account: a.account })))
    .sort((a, b) => Number(haltsAccount(b)) - Number(haltsAccount(a)) || rank(a.action) - rank(b.action) || narrowness(a) - narrowness(b) || a.since - b.since);
}

export const keyOf = (h: HoldOf): string => [h.account, h.strategy, h.instrument, h.rule].join(" ");
