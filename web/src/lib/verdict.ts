/** The sentence of the overview: who trades, then the worst three facts, the worst first. */
import type { Shapes } from "@/api/client";
import { share } from "@/lib/desk";
import { limitName } from "@/lib/limits";
import { age } from "@/lib/numbers";
import { say } from "@/i18n/overview";
import { told } from "@/i18n/told";

export interface Fact { text: string; bad: boolean }
export interface Known {
  halted: boolean;
  positions: number;
  trader: Pick<Shapes["Trader"], "state" | "reasons"> | null;
  accounts: readonly Pick<Shapes["Account"], "account" | "limits" | "holds" | "no_equity">[];
  strategies: readonly Pick<Shapes["Strategy"], "strategy" | "status" | "symbols">[];
  lamps: readonly Shapes["Lamp"][];
  now: number;
}

const MOST = 3;

/** The wrong lamps in the order in which they matter. */
const ORDER = ["trader", "stops", "reconciled", "venue", "feed", "journal", "disk", "clock", "notifier"];

function ofLamp(lamp: Shapes["Lamp"], known: Known): string {
  const when = lamp.at == null ? "" : age(lamp.at, known.now);
  const subject = lamp.subject ?? "";
  switch (`${lamp.lamp}.${lamp.reason}`) {
    case "trader.silent": return say("silent", { age: when });
    case "trader.died": return say("died", { age: when });
    case "trader.left_positions": return say("left", { n: known.positions });
    case "trader.refuses": return say("refuses", { why: lamp.says ?? "" });
    case "stops.missing": return say("bare", { n: (lamp.of ?? 0) - (lamp.value ?? 0), which: lamp.says ?? "" });
    case "stops.partly": return say("partly", { n: (lamp.of ?? 0) - (lamp.value ?? 0), which: lamp.says ?? "" });
    case "reconciled.differs": return say("differs", { subject });
    case "reconciled.comparing": return say("comparing", { subject });
    case "venue.no_answer": return say("no_answer", { subject });
    case "venue.unknown_orders": return say("unknown", { n: lamp.value ?? 0 });
    case "feed.stale": case "feed.silent": return say("feed", { subject, age: when, who: frozenBy(subject, known) });
    case "journal.dropped": return say("dropped", { n: lamp.value ?? 0 });
    case "disk.low": return say("disk");
    case "clock.off": return say("clock", { subject, ms: Math.round(lamp.value ?? 0) });
    case "notifier.unsent": return say("unsent", { n: lamp.value ?? 0 });
    default: return `${lamp.lamp}: ${lamp.reason}.`;
  }
}

/** The strategies that decide on bars of a venue. */
function frozenBy(venue: string, known: Known): string {
  return known.strategies.filter((s) => s.symbols.some((symbol) => symbol.startsWith(`${venue}:`))).map((s) => s.strategy).join(", ");
}

export function factsOf(known: Known): Fact[] {
  const bad: string[] = [];
  if (known.halted) bad.push(say("halted", { n: known.positions }));
  const wrong = known.lamps.filter((lamp) => lamp.state === "wrong" && !(known.halted && lamp.reason === "refuses"));
  for (const lamp of [...wrong].sort((a, b) => ORDER.indexOf(a.lamp) - ORDER.indexOf(b.lamp))) bad.push(ofLamp(lamp, known));
  for (const one of known.accounts) if (one.no_equity !== null) bad.push(say("unpriced", { account: one.account, why: told(one.no_equity) }));
  const near = known.accounts.flatMap((a) => a.limits).filter((limit) => share(limit) >= 0.8);
  if (near.length) bad.push(say("near", { n: near.length, rules: [...new Set(near.map((l) => limitName(l.rule)))].join(", ") }));
  const holds = known.accounts.flatMap((a) => a.holds);
  if (holds.length && !known.halted) bad.push(say("held", { n: holds.length, rules: [...new Set(holds.map((h) => limitName(h.rule)))].join(", ") }));
  return [...lead(known), ...bad.slice(0, MOST).map((text) => ({ text, bad: true })), ...(bad.length ? [] : [{ text: say("well"), bad: false }])];
}

function lead(known: Known): Fact[] {
  if (known.trader === null || known.trader.state === "not running") return [{ text: say("not_running"), bad: false }];
  if (known.halted) return [];
  const trading = known.strategies.filter((s) => s.status === "trading").length;
  return [{ text: trading ? say("trading", { n: trading }) : say("nobody"), bad: false }];
}
