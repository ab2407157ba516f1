/** A limit's numbers in the unit it is told in. */
import type { Shapes } from "@/api/client";
import { duration, fixed, leverage, percent, plainNumber } from "@/lib/numbers";

type Limit = Pick<Shapes["Limit"], "rule" | "unit">;

export function inUnit(limit: Limit, value: string): string {
  if (limit.rule.endsWith("leverage")) return leverage(value);
  if (limit.unit === "fraction") return percent(value);
  if (limit.unit === "s" || limit.unit === "seconds") return duration(Number(value) * 1000);
  return /^\d{5,}/.test(value) ? fixed(value, 0) : plainNumber(value);
}

/** `account.max_drawdown` is told as `max_drawdown`: its subject says of what. */
export const ruleName = (rule: string): string => rule.replace(/^(account|instrument|order|strategy|portfolio)\./, "");
