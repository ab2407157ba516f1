/** Notices: what stays, what goes, what is grouped, and what quiet hours hold back. */
import { beforeEach, describe, expect, it, vi } from "vitest";
import { acknowledge, isQuiet, noticeOf, notices, tell } from "@/frame/notices";
import { appearance } from "@/lib/appearance";

const AT = Date.UTC(2026, 10, 21, 23, 30);
beforeEach(() => {
  appearance.language = "en";
  for (const list of [notices.bars, notices.toasts, notices.all]) list.length = 0;
});

describe("a notice", () => {
  it("that is critical stays as a bar until it is acknowledged, and is remembered as seen", () => {
    tell("critical", "halt", "Halted");
    expect(notices.bars).toHaveLength(1);
    acknowledge(notices.bars[0]!.id);
    expect(notices.bars).toHaveLength(0);
    expect(JSON.parse(localStorage.getItem("acknowledged")!).halt).toBeGreaterThan(0);
  });
  it("that is important is a toast of eight seconds", () => {
    vi.useFakeTimers();
    tell("important", "denied", "denied");
    expect(notices.toasts).toHaveLength(1);
    vi.advanceTimersByTime(8_001);
    expect(notices.toasts).toHaveLength(0);
    vi.useRealTimers();
  });
  it("of one cause within ten minutes is one line with a count", () => {
    tell("important", "denied", "first", AT);
    tell("important", "denied", "second", AT + 590_000);
    expect(notices.all).toHaveLength(1);
    expect(notices.all[0]).toMatchObject({ count: 2, text: "second" });
    tell("important", "denied", "third", AT + 590_000 + 610_000);
    expect(notices.all).toHaveLength(2);
  });
  it("that was acknowledged stands again when its cause comes back", () => {
    tell("critical", "silence", "The venue is silent", AT);
    acknowledge(notices.bars[0]!.id);
    tell("critical", "silence", "The venue is silent", AT + 1_000);
    expect(notices.bars).toHaveLength(1);
  });
  it("that was acknowledged leaves others to be seen: they stand again after a reload", () => {
    localStorage.clear();
    tell("critical", "halt", "Halted");
    tell("critical", "silence", "The venue is silent");
    acknowledge(notices.bars[0]!.id);
    expect(Object.keys(JSON.parse(localStorage.getItem("acknowledged")!))).toEqual(["halt"]);
  });
  it("is an alert in the language of the page", () => {
    const alert = { id: 1, topic: "system.alert", kind: "", at: AT, data: { at: AT, severity: "critical", cause: "x", title: { en: "Halted", zh: "已停机" } } };
    expect(noticeOf(alert)).toMatchObject({ weight: "critical", text: "Halted" });
    appearance.language = "zh";
    expect(noticeOf(alert)).toMatchObject({ text: "已停机" });
  });
});

describe("a refusal", () => {
  const event = (kind: string, data: Record<string, unknown>) => noticeOf({ id: 1, topic: "order", kind, at: AT, data });
  it("of ours names the instrument and the rule's own words", () => {
    const data = { intent: { terms: { instrument: "US:AAPL" } }, reasons: [{ rule: "max_weight", message: "31 % of equity, 25 % allowed" }] };
    expect(event("OrderDenied", data)).toMatchObject({ text: "denied: US:AAPL, 31 % of equity, 25 % allowed" });
  });
  it("of the venue's names its reason", () => {
    const data = { order_id: "at1", instrument: "OKX:BTC/USDT", code: "51008", reason: "insufficient balance" };
    expect(event("OrderRejected", data)).toMatchObject({ text: "rejected by the venue: OKX:BTC/USDT, insufficient balance" });
  });
});

describe("quiet hours", () => {
  const night = { begin: "23:00", end: "07:00", zone: "UTC" };
  it("reach over midnight", () => {
    expect([AT, AT + 7 * 3_600_000, AT + 8 * 3_600_000].map((at) => isQuiet(at, night))).toEqual([true, true, false]);
  });
  it("are of the zone of the settings", () => expect(isQuiet(AT, { ...night, zone: "Asia/Shanghai" })).toBe(false));
  it("are none where none are set", () => expect(isQuiet(AT, null)).toBe(false));
});
