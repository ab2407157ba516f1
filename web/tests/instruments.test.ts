/** Prices by tick, quantities by lot, decimal points under each other. */
import { describe, expect, it } from "vitest";
import { pointed, priceDigitsOf } from "@/lib/instruments";

const of = (over: object) => ({ symbol: "X:Y", kind: "spot", price_digits: null, quantity_digits: 5, lot: "0.00001", mark: null, ...over });

describe("the precision of a price", () => {
  it("is the tick's", () => expect(priceDigitsOf(of({ price_digits: 1 }), 72_967)).toBe(1));
  it("is cents of a share without a tick", () => expect(priceDigitsOf(of({ kind: "equity", mark: "69.0097" }))).toBe(2));
  it("is six digits that matter of what has neither", () => {
    expect(priceDigitsOf(of({ mark: "72967.123456" }))).toBe(1);
    expect(priceDigitsOf(of({ mark: "0.0934218" }))).toBe(7);
    expect(priceDigitsOf(undefined, "1.23456789")).toBe(5);
  });
  it("is not known where nothing is", () => expect(priceDigitsOf(undefined)).toBe(null));
});

describe("a column", () => {
  it("has its points under each other, one precision an instrument", () => {
    const rows = [{ instrument: "a", text: "1,234.5" }, { instrument: "b", text: "12" }, { instrument: "a", text: "–" }];
    const shown = pointed(rows, (r) => r.text);
    expect(rows.map(shown)).toEqual(["1,234.5", "12\u2008\u2007", "–"]);
  });
});
