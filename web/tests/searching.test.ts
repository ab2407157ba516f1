/** What a search tries, how far it is, how its sets lie: numbers worked out by hand. */
import { describe, expect, it } from "vitest";
import { beside, declared, histogram, median, parityLines, plane, rangeText, setsOf, steps, timeLeft, valuesOf, waterfall, wishOf } from "@/pages/backtests/searching";

const fast = { name: "fast", kind: "int", default: 24, low: 6, high: 96, step: 6, choices: null, help: "" };
const slow = { ...fast, name: "slow", default: 120, low: 48, high: 480, step: 24 };
const risk = { ...fast, name: "risk", kind: "float", default: 0.004, low: 0.001, high: 0.02, step: null };
const sizing = { ...fast, name: "sizing", kind: "str", default: "equal", low: null, high: null, step: null, choices: ["equal", "risk"] };
const flag = { ...sizing, name: "flag", kind: "bool", default: true, choices: null };

describe("what is searched", () => {
  it("is each declared range, and one value of what has none", () => {
    const all = [fast, slow, risk, sizing, flag];
    const wishes = Object.fromEntries(all.map((p) => [p.name, declared(p)]));
    expect(all.map((p) => valuesOf(p, wishes[p.name]!))).toEqual([16, 19, 1, 2, 2]);
    expect(setsOf(all, wishes)).toBe(16 * 19 * 2 * 2);
    expect(rangeText(fast, wishes.fast!)).toBe("6:96:6");
    expect(rangeText(sizing, wishes.sizing!)).toBe("equal,risk");
  });
  it.each([
    [{ low: "6", high: "48", step: "6" }, 8],
    [{ low: "6", high: "47", step: "6" }, 7],
    [{ low: "12", high: "12", step: "6" }, 1],
    [{ low: "0", high: "48", step: "6" }, null],
    [{ low: "6", high: "99", step: "6" }, null],
    [{ low: "48", high: "6", step: "6" }, null],
    [{ low: "6", high: "48", step: "0" }, null],
    [{ low: "6", high: "48", step: "" }, null],
    [{ low: "6.5", high: "48", step: "6" }, null],
  ])("%j has %s values", (span, count) => expect(valuesOf(fast, { ...declared(fast), ...span })).toBe(count));
  it("has a last value though tenths are no binary fractions", () => {
    expect(valuesOf({ ...risk, low: null, high: null }, { ...declared(risk), searched: true, low: "0.1", high: "0.3", step: "0.1" })).toBe(3);
  });
  it("has no number while one range cannot be read", () => {
    expect(setsOf([fast, slow], { fast: { ...declared(fast), step: "" }, slow: declared(slow) })).toBeNull();
  });
  it("can be asked again from the sets that were tried", () => {
    expect(rangeText(fast, wishOf(fast, [6, 12, 18, 6, 12]))).toBe("6:18:6");
    expect(wishOf(fast, [12, 12])).toMatchObject({ searched: false, value: "12" });
    expect(rangeText(risk, wishOf(risk, [0.002, 0.004]))).toBe("0.002:0.004:0.002");
  });
});

it("tells the time left at the pace so far, and none before there is a pace", () => {
  const work = { state: "running", started: 1_000, done: 25, total: 100 };
  expect(timeLeft(work, 11_000)).toBe(30_000);
  expect(timeLeft({ ...work, done: 0 }, 11_000)).toBeNull();
  expect(timeLeft({ ...work, state: "waiting" }, 11_000)).toBeNull();
});

const columns = {
  fast: [6, 6, 12, 12, 6, 6, 12, 12],
  slow: [48, 96, 48, 96, 48, 96, 48, 96],
  risk: [1, 1, 1, 1, 2, 2, 2, 2],
  sharpe: [0.1, 0.2, 0.3, 0.4, 0.5, null, 0.7, 0.8],
};

describe("the map", () => {
  it("puts the sets of other parameters together by their median, the failed ones left out", () => {
    const found = plane(columns, "sharpe", "fast", "slow");
    expect(found.xs).toEqual([6, 12]);
    expect(found.ys).toEqual([96, 48]);
    expect(found.cells.map((row) => row.map((cell) => cell.value))).toEqual([[0.2, expect.closeTo(0.6)], [expect.closeTo(0.3), expect.closeTo(0.5)]]);
    expect(found.cells[0]![0]!.rows).toEqual([1, 5]);
  });
  it("holds a parameter fixed where it is told to", () => {
    const found = plane(columns, "sharpe", "fast", "slow", { risk: "2" });
    expect(found.cells.map((row) => row.map((cell) => cell.value))).toEqual([[null, 0.8], [0.5, 0.7]]);
  });
  it("is one row where one parameter was searched", () => {
    expect(plane(columns, "sharpe", "risk", null).cells.map((row) => row.map((cell) => cell.rows.length))).toEqual([[4, 4]]);
  });
});

it("calls those neighbours that differ by one step in one parameter", () => {
  expect(beside(columns, ["fast", "slow", "risk"], 0)).toEqual([1, 2, 4]);
  expect(beside({ fast: [6, 12, 18], way: ["a", "a", "b"] }, ["fast", "way"], 1)).toEqual([0]);
});

it("takes the middle of an even number of values between the two", () => {
  expect([median([3, 1, 2]), median([4, 1, 2, 3]), median([])]).toEqual([2, 2.5, null]);
});

it("counts each value of a histogram once, in bins of round width", () => {
  const values = [-0.31, -0.05, 0, 0.02, 0.49, 0.5, 1.19];
  const bins = histogram(values, 20);
  expect(bins.reduce((sum, bin) => sum + bin.count, 0)).toBe(values.length);
  expect(bins[0]!.to - bins[0]!.from).toBeCloseTo(0.1);
  expect(bins.find((bin) => bin.from <= 0 && 0 < bin.to)!.count).toBe(2);
  expect(histogram([1, 1])).toHaveLength(1);
  expect(histogram([1.5, 1.52, 1.74], 20, [0.3])).toHaveLength(3); // tenths, as the axis begins at 0.3
});

it("names a chosen value where it changes, and only there", () => {
  const fold = (value: number, at: number) => ({ train: [0, 1], test: [at, at + 1], parameters: { fast: value } }) as never;
  expect(steps([fold(6, 0), fold(6, 1), fold(12, 2)], "fast", (ms) => ms)).toEqual([
    { left: 0, right: 1, level: 0, label: "6" }, { left: 1, right: 2, level: 0, label: null }, { left: 2, right: 3, level: 1, label: "12" },
  ]);
});

describe("parity", () => {
  const one = (sameness: string, more: object = {}) => ({ decision: 0, strategy: "trend", instrument: "X", sameness, cause: null, text: "", equal_before: 0, journal: null, backtest: null, equity_gap: null, ...more });
  it("folds equal decisions, and runs of one cause", () => {
    const lines = parityLines([
      one("different", { equal_before: 4, cause: "bar late", text: "a" }), one("different", { cause: "bar late", text: "a" }),
      one("different", { cause: "restart", text: "b" }), one("equal in weight", { equal_before: 2, cause: "cash or equity path", text: "1" }),
      one("equal in weight", { cause: "cash or equity path", text: "2" }),
    ], 7);
    expect(lines.map((l) => [l.kind, l.kind === "equal" ? l.count : l.rows.length])).toEqual([["equal", 4], ["other", 2], ["other", 1], ["equal", 2], ["weight", 2], ["equal", 7]]);
  });
  it("leads from the backtest to the account by what moved money", () => {
    const gap = { whole: "-12.5", fills: "-10", fees: "-2.5", prices: "0", funding: "0.001", cash: "0", rest: "0" };
    expect(waterfall({ journal: 987.5, backtest: 1000, gap })).toEqual([
      { key: "backtest", from: 0, to: 1000 }, { key: "fills", from: 1000, to: 990 }, { key: "fees", from: 990, to: 987.5 }, { key: "journal", from: 0, to: 987.5 },
    ]);
  });
});
