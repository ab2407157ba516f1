/** What stands beside a chart of a position is what the positions say, not what is reckoned from a part of the fills. */
import { mount } from "@vue/test-utils";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { createMemoryHistory, createRouter } from "vue-router";
import type { Shapes } from "@/api/client";
import { appearance } from "@/lib/appearance";
import { time } from "@/lib/numbers";
import { tradesOf } from "@/lib/trades";
import Beside from "@/pages/markets/Beside.vue";
import { position } from "./fixtures/desk";

vi.hoisted(() => vi.stubGlobal("fetch", async () => new Response("[]", { headers: { "Content-Type": "application/json" } })));
const router = createRouter({ history: createMemoryHistory(), routes: ["orders", "positions", "strategies"].map((name) => ({ path: `/${name}/:name?/:order?`, name, component: { render: () => null } })) });
const order = (over: Partial<Shapes["Order"]>): Shapes["Order"] => ({
  order: "at1", account: "main", strategy: "trend", instrument: "US:AAPL", side: "sell", kind: "stop", quantity: "38", filled: "0", average: null, limit: null, stop: "20",
  status: "accepted", purpose: "stop_loss", decided: 1, submitted: 1, ended: null, venue_order: null, ...over,
});
const bought: Shapes["Fill"] = {
  seq: 7, time: 1_356_000_000_000, account: "main", instrument: "US:AAPL", side: "buy", quantity: "3", price: "70", fee: "0", fee_currency: "USD", order: null, trade: "t", strategy: "trend", liquidity: null,
};
function shown(over: Partial<Shapes["Position"]>, orders: Shapes["Order"][] = []) {
  const positions = [{ ...position, ...over }];
  return mount(Beside, { global: { plugins: [router] }, props: {
    symbol: "US:AAPL", positions, orders, ordersTotal: 1_234, fills: [bought], decisions: [], trades: tradesOf([bought], positions), last: null, replays: true, mayAmend: true,
  } });
}
beforeEach(() => (appearance.language = "en"));

describe("beside a chart", () => {
  it("the position is held since its first fill, though that is not among the fills that were read", () => {
    expect(shown({}).find("[data-test=held]").text()).toBe(time(position.since));
    expect(shown({ since: null }).find("[data-test=held]").exists()).toBe(false);
  });
  it("the nearest of several stops is told, with how far it is", () => {
    const orders = [order({ order: "far", stop: "20" }), order({ order: "near", stop: "63.1" })];
    expect(shown({}, orders).find("[data-test=stop]").text()).toMatch(/^63\.10+ 8\.6\s%$/);
  });
  it("says how many of its open orders are told and drawn", () => {
    expect(shown({}, [order({})]).find("[data-test=orders-part]").text()).toBe("the newest 8 of 1234; the chart draws 1");
  });
  it("a trail is a stop, and a limit of somebody's own is no target", () => {
    const page = shown({ stop: null, stop_distance: null, trail: 0.2 }, [order({ kind: "limit", limit: "90", stop: null, purpose: "operator" })]);
    expect(page.find("[data-test=stop]").text()).toContain("20");
    expect(page.find("[data-test=target]").exists()).toBe(false);
  });
});
