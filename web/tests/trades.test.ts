/** Entries, exits and joins from fills; bars that grow; the time that is left. */
import { describe, expect, it } from "vitest";
import { barOf, countdown, frameMs, grown, newerThan } from "@/lib/bars";
import { tradesOf } from "@/lib/trades";

let seq = 0;
const fill = (side: "buy" | "sell", quantity: string, price: string, over = {}) => ({ seq: ++seq, time: seq * 1_000, instrument: "OKX:BTC/USDT", side, quantity, price, fee: "0", fee_currency: "USDT", strategy: "trend", account: "main", ...over });
const held = (quantity: string, strategy = "trend") => ({ quantity, strategy, account: "main" });
const kinds = (...args: Parameters<typeof tradesOf>) => tradesOf(...args).marks.map((m) => m.kind);

describe("fills", () => {
  it("enter from flat, and leave", () => expect(kinds([fill("buy", "2", "100"), fill("sell", "2", "110")], [])).toEqual(["buy", "exit"]));
  it("enter short, and leave by buying", () => expect(kinds([fill("sell", "2", "100"), fill("buy", "2", "90")], [])).toEqual(["sell", "exit"]));
  it("are told right where the list begins in the middle of a position", () => {
    expect(kinds([fill("sell", "1", "100"), fill("sell", "1", "101")], [])).toEqual(["exit", "exit"]);
    expect(kinds([fill("buy", "1", "100")], [held("3")])).toEqual(["buy"]);
  });
  it("of one strategy leave nothing of another's", () => {
    expect(kinds([fill("buy", "1", "100"), fill("sell", "1", "100", { strategy: "other" })], [held("1"), held("-1", "other")])).toEqual(["buy", "sell"]);
  });
  it("join an exit with the average entry, with what it earned", () => {
    const { joins } = tradesOf([fill("buy", "1", "100"), fill("buy", "3", "104"), fill("sell", "4", "110")], []);
    expect(joins).toHaveLength(1);
    expect(joins[0]!.from.price).toBe(103);
    expect(joins[0]!.profit).toBe(7);
  });
  it("lose where a short is bought back dearer", () => {
    expect(tradesOf([fill("sell", "1", "100"), fill("buy", "1", "105")], []).joins[0]!.profit).toBe(-5);
  });
  it("whose fee is taken in the coin leave less to sell", () => {
    const fee = { fee: "0.00001", fee_currency: "BTC" };
    const told = [fill("buy", "0.01", "100", fee), fill("sell", "0.00999", "101"), fill("buy", "0.01", "100", fee)];
    expect(kinds(told, [held("0.00999")])).toEqual(["buy", "exit", "buy"]);
    expect(kinds(told.slice(0, 2), [])).toEqual(["buy", "exit"]);
  });
  it("that leave crumbs of decimals behind are out", () => {
    const told = [fill("buy", "0.1", "100"), fill("buy", "0.2", "100"), fill("sell", "0.3", "101"), fill("buy", "0.1", "102")];
    expect(kinds(told, [held("0.1")])).toEqual(["buy", "buy", "exit", "buy"]);
  });
});

const bars = (ts: number[], close: number[] = ts) => ({ symbol: "A", timeframe: "1m", source: "lake", merged: 1, total: ts.length, ts, open: close, high: close, low: close, close, volume: close });

describe("bars", () => {
  it("grow by what is new, and take corrections", () => {
    const found = grown(bars([1, 2, 3, 4, 5, 6]), bars([5, 6, 7], [50, 60, 70]));
    expect(found.ts).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(found.close).toEqual([1, 2, 3, 4, 50, 60, 70]);
    expect(found.total).toBe(7);
  });
  it("are asked for anew where they were merged, or are another's", () => {
    const few = bars([1, 2, 3, 4, 5, 6, 7]);
    expect(newerThan(few, "A", "1m")).toBe(5);
    expect(newerThan(few, "B", "1m")).toBe(undefined);
    expect(newerThan({ ...few, merged: 2 }, "A", "1m")).toBe(undefined);
    expect(grown(few, bars([90, 91])).ts).toEqual([90, 91]);
  });
  it("hold instants", () => {
    expect([barOf([10, 20, 30], 5), barOf([10, 20, 30], 10), barOf([10, 20, 30], 29), barOf([10, 20, 30], 99)]).toEqual([null, 10, 20, 30]);
  });
  it("have lengths, and a time that is left", () => {
    expect([frameMs("1m"), frameMs("4h"), frameMs("1w"), frameMs("x")]).toEqual([60_000, 14_400_000, 604_800_000, 0]);
    expect([countdown(42_000), countdown(9_737_000), countdown(-5), countdown(100 * 3_600_000)]).toEqual(["0:42", "2:42:17", "0:00", "4 d 4 h"]);
  });
});
