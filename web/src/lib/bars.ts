/** Bars of a chart that grow: what is known stays, what is new or corrected is put in its place. Pure. */
import type { Shapes } from "@/api/client";

type Bars = Shapes["BarColumns"];
const COLUMNS = ["open", "high", "low", "close", "volume"] as const;
const AGAIN = 3; // bars that are asked for once more: a venue may correct them
const MOST = 20_000;

/** From when on to ask; undefined where all has to be asked for. */
export function newerThan(bars: Bars | undefined, symbol: string, timeframe: string): number | undefined {
  if (!bars || bars.symbol !== symbol || bars.timeframe !== timeframe || bars.merged > 1 || bars.ts.length < 2 * AGAIN) return undefined;
  return bars.ts[bars.ts.length - AGAIN];
}

/** `more` begins at one of the bars of `bars`, and takes the place of all from there on. */
export function grown(bars: Bars, more: Bars): Bars {
  const begin = more.ts[0];
  if (begin === undefined) return bars;
  const at = bars.ts.indexOf(begin);
  if (at < 0 || more.merged > 1) return more;
  const cut = Math.max(0, at + more.ts.length - MOST);
  const joined = { ...bars, total: bars.total + more.ts.length - (bars.ts.length - at), ts: [...bars.ts.slice(cut, at), ...more.ts] };
  for (const column of COLUMNS) joined[column] = [...bars[column].slice(cut, at), ...more[column]];
  return joined;
}

/** The open of the bar that holds an instant; null before the first. `ts` ascends. */
export function barOf(ts: readonly number[], at: number): number | null {
  let [low, high] = [0, ts.length - 1];
  if (high < 0 || at < ts[0]!) return null;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (ts[middle]! <= at) low = middle;
    else high = middle - 1;
  }
  return ts[low]!;
}

const UNITS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** Milliseconds of `4h`; 0 for what is no time frame. */
export function frameMs(timeframe: string): number {
  const found = /^(\d+)([smhdw])$/.exec(timeframe);
  return found ? Number(found[1]) * UNITS[found[2]!]! : 0;
}

/** `2:42:17`, `0:42`; what is over is `0:00`. */
export function countdown(ms: number): string {
  const left = Math.max(0, Math.ceil(ms / 1000));
  const two = (n: number) => String(n).padStart(2, "0");
  const [h, m, s] = [Math.floor(left / 3600), Math.floor((left % 3600) / 60), left % 60];
  return h >= 24 ? `${Math.floor(h / 24)} d ${h % 24} h` : h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}
