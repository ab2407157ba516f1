/** What a search tries, how far it is, and how its sets lie. Pure. */
import type { Shapes } from "@/api/client";

type Parameter = Shapes["ParameterRow"];
type Cells = readonly (number | string | boolean | null)[];

/** What a form holds of a parameter: one value, or a span (or the ticked choices) to search. */
export interface Wish {
  searched: boolean;
  value: string;
  low: string;
  high: string;
  step: string;
  choices: string[];
}

export const LARGEST_GRID = 200_000; // the server refuses more without a draw
const LARGEST_RANGE = 1_000_000;

export const options = (p: Parameter): readonly string[] => (p.kind === "bool" ? ["false", "true"] : (p.choices ?? []).map(String));
const isNumber = (p: Parameter): boolean => (p.kind === "int" || p.kind === "float") && !p.choices;

/** Searched as it is declared; what has no range is kept at its default. */
export function declared(p: Parameter): Wish {
  const spans = isNumber(p) && p.low !== null && p.high !== null && !!p.step;
  return {
    searched: spans || options(p).length > 1, value: String(p.default), low: String(p.low ?? p.default), high: String(p.high ?? p.default),
    step: String(p.step ?? ""), choices: [...options(p)],
  };
}

/** The values of a wish; null where it cannot be read. */
export function valuesOf(p: Parameter, wish: Wish): number | null {
  if (!wish.searched) return wish.value.trim() === "" ? null : 1;
  if (options(p).length) return wish.choices.length || null;
  const [low, high, step] = [wish.low, wish.high, wish.step].map((t) => (t.trim() === "" ? NaN : Number(t))) as [number, number, number];
  if (![low, high, step].every(Number.isFinite) || step <= 0 || high < low) return null;
  if (p.kind === "int" && ![low, step].every(Number.isInteger)) return null;
  if ((p.low !== null && low < p.low) || (p.high !== null && high > p.high)) return null;
  const count = Math.floor(((high - low) / step) * (1 + 1e-12)) + 1;
  return count > LARGEST_RANGE ? null : count;
}

/** How many sets the whole grid has; null while a part cannot be read. */
export function setsOf(parameters: readonly Parameter[], wishes: Readonly<Record<string, Wish>>): number | null {
  return parameters.reduce<number | null>((all, p) => {
    const own = wishes[p.name] ? valuesOf(p, wishes[p.name]!) : 1;
    return all === null || own === null ? null : all * own;
  }, 1);
}

/** As the command takes it: `low:high:step`, or values by comma. */
export function rangeText(p: Parameter, wish: Wish): string {
  return options(p).length ? wish.choices.join(",") : [wish.low, wish.high, wish.step].map((t) => t.trim()).join(":");
}

/** The wish that tries just these values again. */
export function wishOf(p: Parameter, tried: readonly unknown[]): Wish {
  const distinct = [...new Set(tried.filter((v) => v !== null && v !== undefined))];
  const base = { ...declared(p), value: String(distinct[0] ?? p.default) };
  if (distinct.length < 2) return { ...base, searched: false };
  if (options(p).length) return { ...base, searched: true, choices: distinct.map(String) };
  const numbers = distinct.map(Number).sort((a, b) => a - b);
  const step = Math.min(...numbers.slice(1).map((v, i) => v - numbers[i]!));
  return { ...base, searched: true, low: String(numbers[0]), high: String(numbers.at(-1)), step: String(Number(step.toPrecision(12))) };
}

/** Milliseconds left at the pace so far; null before there is one. */
export function timeLeft(work: Pick<Shapes["WorkRow"], "started" | "done" | "total" | "state">, now: number): number | null {
  if (work.state !== "running" || work.started === null || !work.total || !work.done) return null;
  return ((now - work.started) / work.done) * (work.total - work.done);
}

export const distinct = (values: Cells): (number | string | boolean)[] => {
  const found = [...new Set(values.filter((v) => v !== null))] as (number | string | boolean)[];
  return found.every((v) => typeof v === "number") ? (found as number[]).sort((a, b) => a - b) : found;
};

export function median(values: readonly number[]): number | null {
  if (!values.length) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** A cell of the map: the sets that share it, and the median of their figures. */
export interface Cell {
  rows: number[];
  value: number | null;
}

export interface Plane {
  x: string;
  y: string | null;
  xs: (number | string | boolean)[];
  ys: (number | string | boolean | null)[];
  cells: Cell[][]; // by y from the top down, then by x
}

/** The sets over two parameters; those of other parameters than `fixed` are put together by median. */
export function plane(columns: Readonly<Record<string, Cells>>, figure: string, x: string, y: string | null, fixed: Readonly<Record<string, string>> = {}): Plane {
  const xs = distinct(columns[x] ?? []);
  const ys: Plane["ys"] = y === null ? [null] : distinct(columns[y] ?? []).reverse();
  const cells: Cell[][] = ys.map(() => xs.map(() => ({ rows: [], value: null })));
  const [atX, atY] = [new Map(xs.map((v, i) => [v, i])), new Map(ys.map((v, i) => [v, i]))];
  const figures = columns[figure] ?? [];
  for (let row = 0; row < figures.length; row++) {
    if (Object.entries(fixed).some(([name, value]) => String(columns[name]?.[row]) !== value)) continue;
    cells[y === null ? 0 : atY.get(columns[y]![row] ?? null)!]?.[atX.get(columns[x]![row]!)!]?.rows.push(row);
  }
  for (const cell of cells.flat()) cell.value = median(cell.rows.map((row) => figures[row]).filter((v): v is number => typeof v === "number"));
  return { x, y, xs, ys, cells };
}

/** Rows that differ from `row` by one step in one of `swept`, as the verdict's neighbours do. */
export function beside(columns: Readonly<Record<string, Cells>>, swept: readonly string[], row: number): number[] {
  const places = Object.fromEntries(swept.map((name) => [name, new Map(distinct(columns[name] ?? []).map((v, i) => [v, i]))]));
  const place = (name: string, of: number) => places[name]!.get(columns[name]![of]!)!;
  const count = columns[swept[0] ?? ""]?.length ?? 0;
  return Array.from({ length: count }, (_, other) => other).filter((other) => {
    let steps = 0;
    for (const name of swept) {
      const apart = typeof columns[name]![row] === "number" ? Math.abs(place(name, other) - place(name, row)) : columns[name]![other] === columns[name]![row] ? 0 : 2;
      steps += apart;
      if (steps > 1) return false;
    }
    return steps === 1;
  });
}

export const mean = (values: readonly (number | null | undefined)[]): number | null => {
  const known = values.map((v) => v ?? 0);
  return known.length ? known.reduce((a, b) => a + b, 0) / known.length : null;
};

export interface Bin {
  from: number;
  to: number;
  count: number;
}

/** Equal bins of round width, at most about `most` where the axis also reaches to `others`. */
export function histogram(values: readonly number[], most = 24, others: readonly number[] = []): Bin[] {
  if (!values.length) return [];
  const low = values.reduce((a, b) => Math.min(a, b), Infinity);
  const high = values.reduce((a, b) => Math.max(a, b), -Infinity);
  const raw = (Math.max(high, ...others) - Math.min(low, ...others)) / most || 0.1;
  const size = 10 ** Math.floor(Math.log10(raw));
  const width = ([1, 2, 5, 10].find((f) => f * size >= raw) ?? 10) * size;
  const first = Math.floor(low / width);
  const bins = Array.from({ length: Math.floor(high / width) - first + 1 }, (_, i) => ({ from: (first + i) * width, to: (first + i + 1) * width, count: 0 }));
  for (const value of values) bins[Math.min(bins.length - 1, Math.floor(value / width) - first)]!.count++;
  return bins;
}

export type Step = { left: number; right: number; level: number; label: string | null };

/** A parameter over the folds: the place of its value among those chosen, its text where it changes. */
export function steps(folds: readonly Shapes["Fold"][], name: string, at: (ms: number) => number): Step[] {
  const known = distinct(folds.map((f) => (f.parameters[name] ?? null) as number | string | boolean | null));
  const place = new Map(known.map((v, i) => [v, known.length > 1 ? i / (known.length - 1) : 0.5]));
  let last: unknown;
  return folds.map((fold) => {
    const value = fold.parameters[name] as number | string | boolean;
    const label = value === last ? null : String(value);
    last = value;
    return { left: at(fold.test[0]!), right: at(fold.test[1]!), level: place.get(value) ?? 0.5, label };
  });
}

type Decision = Shapes["ParityDecision"];

/** Rows of the parity table: equal decisions counted, runs of one cause folded. */
export type ParityLine = { kind: "equal"; key: string; count: number } | { kind: "weight"; key: string; rows: Decision[] } | { kind: "other"; key: string; rows: Decision[] };

const alike = (a: Decision, b: Decision): boolean =>
  a.sameness === b.sameness && a.strategy === b.strategy && a.instrument === b.instrument && a.cause === b.cause && (a.sameness === "equal in weight" || a.text === b.text);

/** In the order of time. `tail`: equal decisions after the last that is not. */
export function parityLines(differences: readonly Decision[], tail: number): ParityLine[] {
  const found: ParityLine[] = [];
  differences.forEach((one, i) => {
    if (one.equal_before) found.push({ kind: "equal", key: `equal-${i}`, count: one.equal_before });
    const last = found.at(-1);
    const kind = one.sameness === "equal in weight" ? ("weight" as const) : ("other" as const);
    if (last?.kind === kind && alike(last.rows[0]!, one)) last.rows.push(one);
    else found.push({ kind, key: `${kind}-${i}`, rows: [one] });
  });
  if (tail > 0) found.push({ kind: "equal", key: "equal-tail", count: tail });
  return found;
}

/** The steps from one account to the other; those of nothing are left out. */
export function waterfall(equity: NonNullable<Shapes["ParityDetail"]["equity"]>): { key: string; from: number; to: number }[] {
  let at = equity.backtest;
  const parts = equity.gap ? (["fills", "fees", "prices", "funding", "cash", "rest"] as const).map((key) => [key, Number(equity.gap![key])] as const) : [];
  const moved = parts.filter(([, size]) => Math.abs(size) >= 0.005).map(([key, size]) => ({ key, from: at, to: (at += size) }));
  return [{ key: "backtest", from: 0, to: equity.backtest }, ...moved, { key: "journal", from: 0, to: equity.journal }];
}
