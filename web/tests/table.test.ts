import { describe, expect, it } from "vitest";
import { csv, filtered, sorted, type Column } from "@/ui/table";

interface Row { symbol: string; side: string; price: string | null }
const ROWS: Row[] = [
  { symbol: "OKX:BTC/USDT", side: "buy", price: "72967.0" }, { symbol: "OKX:ETH/USDT", side: "sell", price: "2241.5" },
  { symbol: "US:AAPL", side: "buy", price: null }, { symbol: "OKX:SOL/USDT", side: "sell", price: "81.3" },
];
const COLUMNS: Column<Row>[] = [
  { key: "symbol", head: "Symbol", width: "1fr", text: (r) => r.symbol },
  { key: "side", head: "Side", width: "1fr", text: (r) => (r.side === "buy" ? "买入" : "卖出"), raw: (r) => r.side },
  { key: "price", head: "Price", width: "1fr", number: true, text: (r) => r.price ?? "–", raw: (r) => r.price, unit: "USDT" },
];
const symbols = (rows: readonly Row[]) => rows.map((r) => r.symbol.slice(-8));

describe("a table", () => {
  it("sorts numbers as numbers and what is absent last, either way", () => {
    expect(sorted(ROWS, COLUMNS, [{ key: "price", down: false }]).map((r) => r.price)).toEqual(["81.3", "2241.5", "72967.0", null]);
    expect(sorted(ROWS, COLUMNS, [{ key: "price", down: true }]).map((r) => r.price)).toEqual(["72967.0", "2241.5", "81.3", null]);
  });
  it("sorts by several keys in turn", () => {
    const by = [{ key: "side", down: false }, { key: "price", down: false }];
    expect(sorted(ROWS, COLUMNS, by).map((r) => r.price)).toEqual(["72967.0", null, "81.3", "2241.5"]);
  });
  it.each([
    ["btc", ["BTC/USDT"]], ["symbol:okx side:sell", ["ETH/USDT", "SOL/USDT"]], ["price>100", ["BTC/USDT", "ETH/USDT"]], ["nothing:here", []], ["", ["BTC/USDT", "ETH/USDT", ":AAPL", "SOL/USDT"]],
  ])("filters by %s", (wish, expected) => {
    expect(symbols(filtered(ROWS, COLUMNS, wish)).map((s) => s.replace(/^.*(?=:AAPL)/, ""))).toEqual(expected);
  });
  it("exports raw values with units", () => {
    const row = [{ symbol: "US:AAPL", side: "buy", price: "-1.5" }];
    expect(csv(row, COLUMNS)).toBe("symbol,side,price (USDT)\r\nUS:AAPL,buy,-1.5\r\n");
  });
  it.each([
    ["=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"], ["+1+cmd|x", "'+1+cmd|x"], ["-2+3+cmd|' /C calc'!A0", "'-2+3+cmd|' /C calc'!A0"],
    ["@SUM(1+1)*cmd|x", "'@SUM(1+1)*cmd|x"], ["\t=1", "'\t=1"], ["＝1", "'＝1"], ['=HYPERLINK("x")', '"\'=HYPERLINK(""x"")"'],
    ["-1.5e-7", "-1.5e-7"], ["-.5", "-.5"], ["-", "'-"], ["a=b", "a=b"],
  ])("F77: a spreadsheet runs nothing of %s", (cell, written) => {
    expect(csv([{ symbol: cell, side: "buy", price: "1" }], COLUMNS).split("\r\n")[1]).toBe(`${written},buy,1`);
  });
  it("sorts and filters 100,000 rows", () => {
    const many = Array.from({ length: 100_000 }, (_, i) => ({ symbol: `X${i % 977}`, side: i % 2 ? "buy" : "sell", price: String((i * 7919) % 100_003) }));
    const found = sorted(filtered(many, COLUMNS, "side:buy"), COLUMNS, [{ key: "price", down: true }]);
    expect(found).toHaveLength(50_000);
    expect(Number(found[0]!.price)).toBeGreaterThan(Number(found.at(-1)!.price));
  });
});
