/** Forms of research: where they begin, and what is sent. */
import { describe, expect, it } from "vitest";
import { blank, freeOf, fromRun, fromSettings, sent, unreadable } from "@/pages/backtests/asking";
import { declared } from "@/pages/backtests/searching";

const fast = { name: "fast", kind: "int", default: 24, low: 6, high: 96, step: 6, choices: null, help: "" };
const risk = { ...fast, name: "risk", kind: "float", default: 0.004, low: 0.001, high: 0.02, step: null };
const kinds = [{ use: "TrendFollow", name: "TrendFollow", about: "", panel: false, origin: "library", parameters: [fast, risk], error: null }];
const own = { timeframe: null, cash: 10_000, fees: "venue", slippage_bps: null, path: "worst", execution: null, max_leverage: 1, cash_buffer: 0, seed: 0, beyond_fast: [] };
const run = {
  run: "7f3a19c2", strategy: "TrendFollow", symbols: ["US:AAPL", "US:IBM"], timeframe: "1d", parameters: { fast: 12, risk: 0.002 },
  request: { timeframe: "1d", start: "2004-01-01T00:00:00+00:00", end: null }, settings: { cash: 5000, fees: "10bps", slippage_bps: 2.5, path: "finer", execution: "twap", work_for: 14_400_000, slices: 5, seed: 7 },
};
const from = (columns?: Record<string, unknown[]>) => fromRun(fromSettings(blank(), own), { run: run as never, columns }, kinds);

describe("a form", () => {
  it("has costs from the settings where nothing was run, never blank ones", () => {
    const form = fromSettings(blank(), own);
    expect([form.cash, form.fees, form.slippage]).toEqual(["10000", "venue", "venue"]);
  });
  it("begins as the last run was asked", () => {
    expect(from()).toMatchObject({ strategy: "TrendFollow", symbols: "US:AAPL, US:IBM", timeframe: "1d", start: "2004-01-01", end: "", cash: "5000", fees: "10bps", slippage: "2.5", path: "finer", execution: "twap", workFor: "240m", slices: "5", seed: "7" });
    expect(from().parameters.fast).toMatchObject({ value: "12", searched: true });
  });
  it("tries the sets of a sweep again, and keeps what it kept", () => {
    const form = from({ fast: [6, 12, 18], risk: [0.002, 0.002, 0.002] });
    expect(form.parameters.fast).toMatchObject({ searched: true, low: "6", high: "18", step: "6" });
    expect(form.parameters.risk).toMatchObject({ searched: false, value: "0.002" });
  });
  it("says zero costs, whatever they are written as", () => {
    expect(freeOf({ ...blank(), fees: "0", slippage: "0.0" })).toEqual({ fees: true, slippage: true });
    expect(freeOf({ ...blank(), fees: "0bps", slippage: "" })).toEqual({ fees: true, slippage: false });
    expect(freeOf({ ...blank(), fees: "maker=0bps,taker=0.0bps", slippage: "" }).fees).toBe(true);
    expect(freeOf({ ...blank(), fees: "maker=0bps,taker=2bps", slippage: "" }).fees).toBe(false);
    expect(freeOf({ ...blank(), fees: "10bps", slippage: "venue" })).toEqual({ fees: false, slippage: false });
  });
});

describe("what is sent", () => {
  it("is what was typed, thousands written by comma too; what is no number is sent as no other", () => {
    const typed = (cash: string) => ({ ...from(), cash });
    expect(sent(typed("50,000"), "backtest", [fast, risk]).backtest.cash).toBe(50_000);
    expect(unreadable(typed("50,000"), "backtest", [fast, risk])).toEqual([]);
    expect(unreadable(typed("50 000"), "backtest", [fast, risk])).toEqual(["50 000"]);
    expect(unreadable({ ...from(), slippage: "2,5" }, "sweep", [fast, risk])).toEqual(["2,5"]);
    expect(unreadable({ ...from(), train: "a year" }, "walkforward", [fast, risk])).toEqual(["a year"]);
    expect(unreadable({ ...from(), train: "a year" }, "backtest", [fast, risk])).toEqual([]);
    const form = from();
    form.parameters.risk = { ...form.parameters.risk!, value: "0.0o2" };
    expect(unreadable(form, "backtest", [fast, risk])).toEqual(["0.0o2"]);
  });
  it("is the set of a backtest, worked over time by the full engine", () => {
    const { backtest } = sent(from(), "backtest", [fast, risk]);
    expect(backtest).toMatchObject({ symbols: ["US:AAPL", "US:IBM"], start: "2004-01-01", end: null, fees: "10bps", slippage_bps: 2.5, engine: "full", execution: "twap", work_for: "240m", slices: 5, parameters: { fast: 12, risk: 0.002 } });
  });
  it("is a range for what is searched and a value for what is kept, and no way of execution that a search lacks", () => {
    const form = { ...from(), parameters: { fast: declared(fast), risk: { ...declared(risk), value: "0.003" } }, draw: true, sets: "10", withoutLimits: true };
    expect(sent(form, "sweep", [fast, risk]).sweep).toMatchObject({ ranges: { fast: "6:96:6" }, parameters: { risk: 0.003 }, sets: 10, without_limits: true, execution: null });
    expect(sent(form, "sweep", [fast, risk]).sweep).not.toHaveProperty("engine");
  });
  it("leaves the embargo to the longest warm-up unless one is typed", () => {
    expect(sent(from(), "walkforward", [fast, risk]).walkforward).toMatchObject({ train_days: 504, test_days: 126, anchored: false, embargo_days: null });
    expect(sent({ ...from(), embargo: "0" }, "walkforward", [fast, risk]).walkforward.embargo_days).toBe(0);
  });
  it("asks the venue's own slippage by its word", () => {
    expect(sent({ ...from(), slippage: "venue" }, "backtest", [fast, risk]).backtest.slippage_bps).toBeNull();
  });
});
