/** What the forms of research hold, where their first values come from, and what is sent. */
import type { Shapes } from "@/api/client";
import { ungrouped } from "@/lib/numbers";
import { declared, rangeText, wishOf, type Wish } from "@/pages/backtests/searching";

export type Kind = "backtest" | "sweep" | "walkforward";

export interface Form {
  strategy: string; // what `use` names it by
  symbols: string;
  timeframe: string;
  start: string;
  end: string;
  cash: string;
  fees: string;
  slippage: string; // bps, or `venue`
  path: string;
  execution: string; // "" is by venue
  engine: string; // "" is by the limits
  workFor: string;
  slices: string;
  draw: boolean;
  sets: string;
  seed: string;
  train: string;
  test: string;
  anchored: boolean;
  embargo: string; // "" is the longest warm-up
  withoutLimits: boolean;
  parameters: Record<string, Wish>;
}

/** What a form may begin from: a run, and the sets that a search tried. */
export interface Origin {
  run: Shapes["RunDetail"];
  columns?: Shapes["SweepDetail"]["columns"];
}

export const VENUE = "venue";
export const WORKED = ["twap", "chase"];

export function blank(): Form {
  return {
    strategy: "", symbols: "", timeframe: "", start: "", end: "", cash: "", fees: "", slippage: "", path: "worst", execution: "", engine: "", workFor: "10m", slices: "10",
    draw: false, sets: "200", seed: "0", train: "504", test: "126", anchored: false, embargo: "", withoutLimits: false, parameters: {},
  };
}

/** The settings' own assumptions: costs are never blank. */
export function fromSettings(form: Form, own: Shapes["ResearchDefaults"]): Form {
  return {
    ...form, timeframe: own.timeframe ?? "", cash: String(own.cash), fees: own.fees, slippage: own.slippage_bps === null ? VENUE : String(own.slippage_bps),
    path: own.path, execution: own.execution ?? "", seed: String(own.seed),
  };
}

const text = (value: unknown): string => (value === null || value === undefined ? "" : String(value));

/** All that a run was asked, so that one thing may be changed and asked again. */
export function fromRun(form: Form, { run, columns }: Origin, kinds: readonly Shapes["StrategyKind"][]): Form {
  const { request, settings } = run;
  const kind = kinds.find((k) => k.name === run.strategy);
  const tried = (name: string) => columns?.[name] ?? [run.parameters[name]];
  return {
    ...form, strategy: kind?.use ?? "", symbols: run.symbols.join(", "), timeframe: text(request.timeframe) || run.timeframe, start: text(request.start).slice(0, 10), end: text(request.end).slice(0, 10),
    cash: text(settings.cash), fees: text(settings.fees), slippage: settings.slippage_bps === null ? VENUE : text(settings.slippage_bps), path: text(settings.path) || "worst",
    execution: text(settings.execution), workFor: `${Math.round(Number(settings.work_for ?? 600_000) / 60_000)}m`, slices: text(settings.slices ?? 10), seed: text(settings.seed ?? 0),
    parameters: Object.fromEntries((kind?.parameters ?? []).map((p) => [p.name, columns ? wishOf(p, tried(p.name)) : { ...declared(p), value: text(run.parameters[p.name] ?? p.default) }])),
  };
}

const typed = (p: Shapes["ParameterRow"], value: string): string | number | boolean =>
  p.kind === "int" || p.kind === "float" ? Number(ungrouped(value)) : p.kind === "bool" ? value === "true" : value;
const number = (value: string): number | null => (value.trim() === "" ? null : Number(ungrouped(value)));

/** What was typed for a number and is none: sent it would be nothing, and another value be taken for it. */
export function unreadable(form: Form, kind: Kind, parameters: readonly Shapes["ParameterRow"][]): string[] {
  const texts = [form.cash, form.slippage.trim() === VENUE ? "" : form.slippage, form.seed];
  if (kind === "backtest" && form.execution === "twap") texts.push(form.slices);
  if (kind !== "backtest" && form.draw) texts.push(form.sets);
  if (kind === "walkforward") texts.push(form.train, form.test, form.embargo);
  for (const p of parameters) {
    const wish = form.parameters[p.name];
    if (wish && (p.kind === "int" || p.kind === "float") && (kind === "backtest" || !wish.searched)) texts.push(wish.value);
  }
  return texts.filter((text) => !Number.isFinite(number(text) ?? 0));
}

/** Costs that are zero, which nobody pays: said in amber. */
export const freeOf = (form: Form) => ({ fees: /\d/.test(form.fees) && !/[1-9]/.test(form.fees), slippage: form.slippage.trim() !== "" && Number(form.slippage) === 0 });

export function sent(form: Form, kind: Kind, parameters: readonly Shapes["ParameterRow"][]) {
  const kept = parameters.filter((p) => kind === "backtest" || !form.parameters[p.name]?.searched);
  const ranged = kind === "backtest" ? [] : parameters.filter((p) => form.parameters[p.name]?.searched);
  const common = {
    strategy: form.strategy, symbols: form.symbols.split(",").map((s) => s.trim()).filter(Boolean), timeframe: form.timeframe || null, start: form.start || null, end: form.end || null,
    cash: number(form.cash), fees: form.fees.trim(), slippage_bps: form.slippage.trim() === VENUE ? null : number(form.slippage), path: form.path as "worst", adjust: "auto" as const, allow_gaps: false,
    seed: number(form.seed), parameters: Object.fromEntries(kept.filter((p) => form.parameters[p.name]?.value.trim()).map((p) => [p.name, typed(p, form.parameters[p.name]!.value.trim())])),
  };
  const isWorked = WORKED.includes(form.execution);
  const backtest = { ...common, engine: (isWorked ? "full" : form.engine || null) as "full" | null, execution: (form.execution || null) as "market" | null, work_for: isWorked ? form.workFor : null, slices: form.execution === "twap" ? number(form.slices) : null };
  const sweep = {
    ...common, execution: (isWorked ? null : form.execution || null) as "market" | null, ranges: Object.fromEntries(ranged.map((p) => [p.name, rangeText(p, form.parameters[p.name]!)])),
    sets: form.draw ? number(form.sets) : null, without_limits: form.withoutLimits,
  };
  return { backtest, sweep, walkforward: { ...sweep, train_days: Number(form.train), test_days: Number(form.test), anchored: form.anchored, embargo_days: number(form.embargo) } };
}
