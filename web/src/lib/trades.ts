/** What fills did to a position: entries, exits, and what joins them. Pure. */
import type { Shapes } from "@/api/client";

type Fill = Pick<Shapes["Fill"], "seq" | "time" | "instrument" | "side" | "quantity" | "price" | "fee" | "fee_currency" | "strategy" | "account">;
type Held = Pick<Shapes["Position"], "quantity" | "strategy" | "account">;

export interface Mark { seq: number; time: number; price: number; quantity: string; kind: "buy" | "sell" | "exit" }
export interface Join { from: { time: number; price: number }; to: { time: number; price: number }; profit: number }
export interface Trades { marks: Mark[]; joins: Join[] }

const TINY = 1e-9; // of the largest fill: sums of decimals leave crumbs
const COIN = /^[^:]*:([^/:]+)\/[^:]+$/; // of a spot pair, which fees may be taken in
const placeOf = (one: { account: string; strategy: string | null }): string => `${one.account} ${one.strategy ?? ""}`;

/**
 * `fills` in any order, of one instrument; `held` what is held after the newest of them.
 * What was held before the oldest is reckoned backwards, so a list that is cut is told right.
 */
export function tradesOf(fills: readonly Fill[], held: readonly Held[]): Trades {
  const found: Trades = { marks: [], joins: [] };
  const places = new Map<string, Fill[]>();
  for (const fill of [...fills].sort((a, b) => a.seq - b.seq)) {
    const place = placeOf(fill);
    places.set(place, [...(places.get(place) ?? []), fill]);
  }
  for (const [place, own] of places) {
    const now = held.filter((h) => placeOf(h) === place).reduce((sum, h) => sum + Number(h.quantity), 0);
    walk(found, own, now - own.reduce((sum, f) => sum + signed(f), 0));
  }
  found.marks.sort((a, b) => a.time - b.time);
  return found;
}

/** What a fill did to what is held: a fee in the coin itself is not held either. */
function signed(fill: Fill): number {
  const fee = COIN.exec(fill.instrument)?.[1] === fill.fee_currency ? Number(fill.fee) : 0;
  return (fill.side === "buy" ? 1 : -1) * Number(fill.quantity) - fee;
}

function walk(found: Trades, fills: readonly Fill[], before: number): void {
  const crumb = TINY * Math.max(...fills.map((f) => Number(f.quantity)));
  const whole = (size: number): number => (Math.abs(size) < crumb ? 0 : size);
  let held = whole(before);
  let entry: { time: number; price: number } | null = null; // average; unknown of what was there before
  for (const fill of fills) {
    const change = signed(fill);
    const [price, time] = [Number(fill.price), fill.time];
    const after = whole(held + change);
    const leaves = held !== 0 && Math.sign(change) !== Math.sign(held);
    found.marks.push({ seq: fill.seq, time, price, quantity: fill.quantity, kind: leaves ? "exit" : change > 0 ? "buy" : "sell" });
    if (leaves) {
      if (entry) found.joins.push({ from: entry, to: { time, price }, profit: (price - entry.price) * Math.sign(held) });
      if (after === 0) entry = null;
      else if (Math.sign(after) !== Math.sign(held)) entry = { time, price };
    } else if (held === 0) {
      entry = { time, price };
    } else if (entry) {
      entry = { time: entry.time, price: (entry.price * Math.abs(held) + price * Math.abs(change)) / Math.abs(after) };
    }
    held = after;
  }
}
