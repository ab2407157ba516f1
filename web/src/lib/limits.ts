/** A limit's numbers in the unit it is told in. */
import type { Shapes } from "@/api/client";
import { toldPart } from "@/i18n/told";
import { limitName, ruleName } from "@/i18n/limits";
import { duration, fixed, leverage, percent, plainNumber } from "@/lib/numbers";

export { limitName, ruleName };
type Limit = Pick<Shapes["Limit"], "rule" | "unit">;

const FRACTIONS = /(drawdown|daily_loss|weight|rate|slippage|ratio|distance|concentration|free|turnover|band|share)$/;

/** A trip's numbers come without a unit: the rule's name says it. */
export const tripValue = (rule: string | null, value: string): string =>
  // What a person typed, `70%` or `none`, stands as it was typed.
  Number.isNaN(Number(value)) ? value : inUnit({ rule: rule ?? "", unit: rule && FRACTIONS.test(rule) ? "fraction" : "" }, value);

export function inUnit(limit: Limit, value: string): string {
  if (limit.rule.endsWith("leverage")) return leverage(value);
  if (limit.unit === "fraction") return percent(value);
  if (limit.unit === "s" || limit.unit === "seconds") return duration(Number(value) * 1000);
  return /^\d{5,}/.test(value) ? fixed(value, 0) : plainNumber(value);
}

/** `account main` in the person's language; a symbol stays as it is. */
export const subjectName = (subject: string): string => toldPart(subject);

/** Of the same rule the fullest alone, with how many others there are, fullest first. */
export function fullest<L extends Pick<Shapes["Limit"], "rule" | "used" | "limit">>(limits: readonly L[]): (L & { others: number })[] {
  const found = new Map<string, L & { others: number }>();
  const used = (l: L) => (Number(l.limit) > 0 ? Number(l.used) / Number(l.limit) : 0);
  for (const limit of limits) {
    const held = found.get(limit.rule);
    if (!held) found.set(limit.rule, { ...limit, others: 0 });
    else found.set(limit.rule, { ...(used(limit) > used(held) ? limit : held), others: held.others + 1 });
  }
  return [...found.values()].sort((a, b) => used(b) - used(a));
}
