/** How a run's figures are read. */
import { fixed, money, percent, ratio } from "@/lib/numbers";

const PERCENT = /return|drawdown|month|day$|best|worst|rate|share|time_in_market|volatility|shortfall|coverage|exposure/;
const COUNT = /^(\w*trades|bars|orders|fills|\w*days|wins|losses|draws|max_consecutive_\w+)$/;
const MONEY = /_amount$|_profit$|^(gross\w*|fees|slippage|funding|borrow|expectancy|\w*equity|traded_notional)$/;

export function figure(name: string, value: unknown): string {
  if (typeof value !== "number") return value === null || value === undefined ? "–" : String(value);
  if (COUNT.test(name)) return fixed(value, 0);
  if (MONEY.test(name)) return money(value);
  return PERCENT.test(name) ? percent(value, 1) : ratio(value);
}
/** The first of several names that a run has. */
export function pick(metrics: Record<string, unknown>, ...names: string[]): number | null {
  for (const name of names) if (typeof metrics[name] === "number") return metrics[name];
  return null;
}
