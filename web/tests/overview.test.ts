/** What the overview says: lamps in words, the sentence from the worst three facts, one gauge a rule. */
import { beforeEach, describe, expect, it } from "vitest";
import { appearance } from "@/lib/appearance";
import { bytes, shown, type Lamp } from "@/lib/lamps";
import { fullest } from "@/lib/limits";
import { factsOf, type Known } from "@/lib/verdict";

const NOW = 1_795_303_747_313;
const lamp = (over: Partial<Lamp>): Lamp => ({ lamp: "feed", subject: "OKX", state: "well", reason: "delivers", value: null, of: null, at: NOW - 3_000, says: null, ...over });
const known = (over: Partial<Known> = {}): Known => ({
  halted: false, positions: 2, trader: { state: "running", reasons: [] }, accounts: [], lamps: [], now: NOW,
  strategies: [{ strategy: "trend", status: "trading", symbols: ["OKX:BTC/USDT"] }], ...over,
});
beforeEach(() => { appearance.language = "en"; });

describe("a lamp", () => {
  it("is dark when well, with its age", () => {
    expect(shown(lamp({}), NOW)).toMatchObject({ name: "Feed OKX", text: "3 s", state: "well" });
  });
  it("says in words what is wrong, and where to look", () => {
    const found = shown(lamp({ state: "wrong", reason: "stale", at: NOW - 7 * 60_000 }), NOW);
    expect(found).toMatchObject({ text: "stale 7 min", state: "wrong", to: { name: "data" } });
  });
  it("is a dash with the reason where nobody knows", () => {
    expect(shown(lamp({ lamp: "clock", state: "unknown", reason: "no_trader" }), NOW).text).toBe("– no trader runs");
  });
  it.each([
    [{ lamp: "stops", reason: "live", value: 3, of: 3 }, "3 of 3 live"],
    [{ lamp: "stops", reason: "live", value: 0, of: 0 }, "none needed"],
    [{ lamp: "clock", reason: "fine", value: 12 }, "+12 ms"],
    [{ lamp: "disk", reason: "free", value: 212e9, of: 1e9 }, "212 GB free"],
    [{ lamp: "journal", reason: "behind", value: 0 }, "0 behind"],
    [{ lamp: "journal", reason: "ended", of: 8849 }, "8,849 rows"],
    [{ lamp: "notifier", reason: "sent", value: 0 }, "nothing waits"],
    [{ lamp: "venue", reason: "unknown_orders", value: 1 }, "1 order unknown"],
  ])("%o reads %s", (over, text) => expect(shown(lamp(over), NOW).text).toBe(text));
  it("has words for every reason in both languages", () => {
    for (const language of ["en", "zh"] as const) {
      appearance.language = language;
      expect(shown(lamp({ lamp: "reconciled", reason: "differs", subject: "main" }), NOW).text).toMatch(/main/);
    }
  });
  it("tells bytes in the unit that leaves a digit", () => {
    expect([bytes(5e8), bytes(2.5e9), bytes(2.12e11)]).toEqual(["500 MB", "2.5 GB", "212 GB"]);
  });
});

describe("the sentence", () => {
  const text = (over: Partial<Known>) => factsOf(known(over)).map((f) => f.text);
  it("says that all is well in two short sentences", () => {
    expect(text({})).toEqual(["1 strategy trades.", "All limits have room."]);
  });
  it("tells the worst three, the worst first, and no more", () => {
    const lamps = [
      lamp({ lamp: "disk", state: "wrong", reason: "low" }), lamp({ state: "wrong", reason: "stale", at: NOW - 420_000 }),
      lamp({ lamp: "stops", state: "wrong", reason: "missing", value: 2, of: 3, says: "OKX:BTC/USDT (trend)" }), lamp({ lamp: "clock", state: "wrong", reason: "off", value: 700 }),
    ];
    expect(text({ lamps })).toEqual([
      "1 strategy trades.", "1 position has no live stop: OKX:BTC/USDT (trend).", "The OKX feed is stale for 7 min; trend cannot decide.", "The disk is nearly full.",
    ]);
  });
  it("says how much of a position its stops leave uncovered", () => {
    const partly = lamp({ lamp: "stops", state: "wrong", reason: "partly", value: 2, of: 3, says: "OKX:BTC/USDT (trend) 6/10" });
    expect(text({ lamps: [partly] })[1]).toBe("1 position has stops for less than it holds; uncovered: OKX:BTC/USDT (trend) 6/10.");
    expect(shown(partly, NOW)).toMatchObject({ text: "2 of 3 whole", about: "Stops: 2 of 3 whole: OKX:BTC/USDT (trend) 6/10" });
  });
  it("names what has no price while an account's equity is not known", () => {
    const unpriced = { account: "main", holds: [], limits: [], no_equity: "US:AAPL is held and has no price to mark it at" };
    expect(text({ accounts: [unpriced] })[1]).toBe("Equity of main –: US:AAPL is held and has no price to mark it at.");
  });
  it("begins with a halt, which explains why the trader would not trade", () => {
    const lamps = [lamp({ lamp: "trader", state: "wrong", reason: "refuses", says: "account main: halted" })];
    expect(text({ halted: true, lamps })).toEqual(["Nothing new is traded; 2 positions stay."]);
  });
  it("names the limits in their last fifth once each", () => {
    const limit = { rule: "max_weight", subject: "a", used: "0.33", limit: "0.4", left: "0.07", unit: "fraction", action: null };
    expect(text({ accounts: [{ account: "main", holds: [], no_equity: null, limits: [limit, { ...limit, subject: "b" }] }] })[1]).toBe("2 limits are in their last fifth: Largest weight.");
  });
});

describe("gauges", () => {
  it("show of each rule the fullest, and how many there are beside it", () => {
    const of = (rule: string, used: string) => ({ rule, used, limit: "1" });
    expect(fullest([of("a", "0.1"), of("b", "0.5"), of("a", "0.9"), of("a", "0.2")])).toEqual([
      { rule: "a", used: "0.9", limit: "1", others: 2 }, { rule: "b", used: "0.5", limit: "1", others: 0 },
    ]);
  });
});
