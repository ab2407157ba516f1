/** An order's line under the pointer: what is let go of proposes another price, what is taken away does not. */
import { flushPromises, mount } from "@vue/test-utils";
import { beforeEach, expect, it, vi } from "vitest";
import type { Shapes } from "@/api/client";
import CandleChart from "@/charts/CandleChart.vue";

const { scrolls } = vi.hoisted(() => ({ scrolls: [] as unknown[] }));
vi.mock("@/charts/prices", () => {
  const series = () => ({ setData() {}, update() {}, applyOptions() {}, attachPrimitive() {}, coordinateToPrice: (y: number) => 1_000 - y });
  const scale = { getVisibleLogicalRange: () => null, setVisibleLogicalRange() {} };
  return {
    seconds: (ms: number) => ms / 1_000, dressed: () => ({}),
    chartIn: () => ({
      addSeries: series, panes: () => [], subscribeCrosshairMove() {}, timeScale: () => scale, remove() {},
      applyOptions: (o: { handleScroll?: boolean }) => "handleScroll" in o && scrolls.push(o.handleScroll),
    }),
  };
});
vi.mock("@/charts/marks", () => ({ TradeMarks: class { show() {} orderAt() { return "at1"; } } }));

const order = { order: "at1", kind: "limit", quantity: "1", limit: "900", stop: null, status: "accepted", submitted: 0 } as unknown as Shapes["Order"];
const bars = { symbol: "US:AAPL", timeframe: "1d", ts: [0], open: [1], high: [1], low: [1], close: [1], volume: [1], merged: 1, total: 1 } as unknown as Shapes["BarColumns"];
async function held() {
  const page = mount(CandleChart, {
    props: { bars, forming: null, features: [], hidden: new Set<string>(), trades: { marks: [], joins: [], since: new Map<string, number>() }, orders: [order], digits: 2, quantity: (v: string) => v, mayAmend: true },
    attachTo: document.body,
  });
  await flushPromises();
  const box = page.find("[data-test=candles]");
  (box.element as HTMLElement).setPointerCapture = () => {};
  await box.trigger("pointerdown", { pointerId: 1, button: 0, clientY: 100 });
  await box.trigger("pointermove", { pointerId: 1, clientY: 150 });
  return { page, box };
}
beforeEach(() => { scrolls.length = 0; });

it("a line that is let go of proposes its new price", async () => {
  const { page, box } = await held();
  await box.trigger("pointerup", { pointerId: 1 });
  expect(page.emitted("amend")).toEqual([[order, "850.00"]]);
});
it.each(["pointercancel", "lostpointercapture"])("a line that is taken out of the hand goes back and proposes nothing: %s", async (end) => {
  const { page, box } = await held();
  expect(box.classes()).toContain("grips");
  await box.trigger(end, { pointerId: 1 });
  expect(box.classes()).not.toContain("grips");
  expect(scrolls).toEqual([false, true]);
  await box.trigger("pointerup", { pointerId: 1 });
  expect(page.emitted("amend")).toBeUndefined();
});
it("a second finger takes no line, and leaves the first where it is", async () => {
  const { page, box } = await held();
  await box.trigger("pointerdown", { pointerId: 2, button: 0, clientY: 300 });
  await box.trigger("pointermove", { pointerId: 2, clientY: 400 });
  await box.trigger("pointerup", { pointerId: 2 });
  expect(page.emitted("amend")).toBeUndefined();
  await box.trigger("pointerup", { pointerId: 1 });
  expect(page.emitted("amend")).toEqual([[order, "850.00"]]);
});
