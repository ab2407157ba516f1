import { beforeEach, describe, expect, it } from "vitest";
import { appearance } from "@/lib/appearance";
import { aligned, decimalsOf, duration, exactly, fee, fixed, headline, instantOf, money, percent, plainNumber, profit, time, utc, zoneName } from "@/lib/numbers";

beforeEach(() => {
  appearance.language = "en";
  appearance.zone = "UTC";
});

describe("numbers", () => {
  it.each([
    ["10969.716052112638750000", 2, "10,969.72"], ["-0.00000000", 2, "0.00"], ["-1234567.891", 1, "−1,234,567.9"], ["0.005", 2, "0.01"],
    ["99999999999999999999.995", 2, "100,000,000,000,000,000,000.00"], ["0e+6", 2, "0.00"], ["1.5e-7", 8, "0.00000015"], ["38", 0, "38"],
  ])("%s with %i decimals is %s", (value, decimals, shown) => expect(fixed(value, decimals)).toBe(shown));

  it.each([["1E-8", "0.00000001"], ["-1.25e-3", "-0.00125"], ["12e+2", "1200"], ["97123.450", "97123.45"], ["100", "100"], ["1.5e0", "1.5"]])(
    "%s is exactly %s", (text, plain) => expect(exactly(text)).toBe(plain));
  it("of a lot that is written as a power of ten has its digits", () => expect(plainNumber("1E-8")).toBe("0.00000001"));
  it.each([["0.00002", "0.00002"], ["0.12", "0.12"], ["1.2345", "1.23"], ["-0.5", "−0.50"], ["0", "0.00"]])("a fee of %s is told as %s", (paid, shown) => expect(fee(paid)).toBe(shown));
  it("of a typed time is in the zone in which times are shown", () => {
    appearance.zone = "Asia/Shanghai";
    expect(instantOf("2026-11-21T14:05")).toBe(Date.UTC(2026, 10, 21, 6, 5));
    appearance.zone = "America/New_York"; // an hour after clocks were set back
    expect(instantOf("2026-11-01T03:30")).toBe(Date.UTC(2026, 10, 1, 8, 30));
    expect(instantOf("")).toBeNaN();
  });

  it("signs profits only, zero never", () => {
    expect([profit("506.84"), profit("-88.12"), profit("0"), profit("-0.001"), money("506.84")]).toEqual(["+506.84", "−88.12", "0.00", "0.00", "506.84"]);
  });
  it("shows what is absent as a dash, never as zero", () => expect([fixed(null, 2), percent(undefined), money("")]).toEqual(["–", "–", "–"]));
  it("writes percent as each language does", () => {
    expect(percent(0.1234)).toBe("12.3\u202f%");
    appearance.language = "zh";
    expect(percent(0.1234)).toBe("12.3%");
  });
  it("drops decimals of a headline from ten thousand on", () => expect([headline("9999.5"), headline("10969.7")]).toEqual(["9,999.50", "10,970"]));
  it("shows six digits of a price whose steps it does not know", () => {
    expect([plainNumber("70.06522577901423"), plainNumber("0.00001234"), plainNumber("72967.0")]).toEqual(["70.0652", "0.00001234", "72,967"]);
    expect(decimalsOf("123456.789")).toBe(0);
  });
  it("pads so that points stand under each other", () => {
    expect(aligned("38", 2)).toHaveLength(5);
    expect(aligned("38.5", 2)).toHaveLength(5);
    expect(aligned("–", 2)).toBe("–");
  });
  it("says durations in their two largest units", () => {
    expect([duration(42), duration(19 * 3_600_000 + 45 * 60_000), duration(2 * 86_400_000 + 4 * 3_600_000)]).toEqual(["42 ms", "19 h 45 min", "2 d 4 h"]);
    appearance.language = "zh";
    expect([duration(42), duration(2 * 86_400_000 + 4 * 3_600_000)]).toEqual(["42 毫秒", "2 天 4 小时"]);
  });
  it("shows times in the person's zone and says UTC beside", () => {
    const ms = Date.UTC(2012, 10, 9, 20, 30, 5);
    appearance.zone = "Asia/Shanghai";
    expect([time(ms), time(ms, true), utc(ms), zoneName()]).toEqual(["2012-11-10 04:30", "2012-11-10 04:30:05", "2012-11-09 20:30:05 UTC", "UTC+8"]);
  });
});
