/** Orders by hand: each rule is asked first, real money is typed, a result is never only "ok". */
import { flushPromises, mount } from "@vue/test-utils";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { createMemoryHistory, createRouter } from "vue-router";
import { account, position, system } from "./fixtures/desk";
import type { Shapes } from "@/api/client";
import { appearance } from "@/lib/appearance";
import { forget } from "@/api/resource";
import { venueSays } from "@/lib/sending";

const { answers, sent, json } = vi.hoisted(() => {
  const held = new Map<string, () => Response>();
  const asked: { what: string; body: Record<string, unknown> }[] = [];
  const make = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json" } });
  vi.stubGlobal("fetch", async (request: Request) => {
    const what = `${request.method} ${new URL(request.url).pathname.replace("/api/v1/", "")}`;
    if (request.method !== "GET") asked.push({ what, body: JSON.parse((await request.text()) || "{}") as Record<string, unknown> });
    return held.get(what)?.() ?? make([]);
  });
  return { answers: held, sent: asked, json: make };
});
const router = createRouter({ history: createMemoryHistory(), routes: [
  { path: "/orders/:order?", name: "orders", component: { render: () => null } }, { path: "/:rest(.*)", name: "any", component: { render: () => null } },
] });

const strategy = { strategy: "hand", account: "main", use: "ByHand", symbols: ["US:AAPL"], timeframe: "1d", share: 1, parameters: {}, status: "trading", holds: [], positions: 0, open_orders: 0 };
const preview = {
  account: "main", strategy: "hand", instrument: "US:AAPL", side: "buy", kind: "market", quantity: "45", limit: null, stop: null, reduce_only: false, price: "43.5", notional: "1957.5",
  fee: "0.2", free: "7787.5", position: "0", after: "45", rebalance: "on_change", guarded: false, allowed: true, reasons: [],
  rules: [{ rule: "max_leverage", subject: "account main", used: "0.2", after: "0.42", limit: "1", unit: "fraction", allows: true }],
};
const order = {
  order: "atabc", account: "main", strategy: "hand", instrument: "US:AAPL", side: "sell", kind: "limit", quantity: "5", filled: "0", average: null, limit: "900", stop: null,
  status: "accepted", purpose: "operator", decided: 1, submitted: 1, ended: null, venue_order: "v1",
};
const changed = { ...preview, side: "sell", kind: "limit", quantity: "3", limit: "950", notional: "2850", position: "38", after: "35" };
const told = (action: string, outcome: string, more = {}) => ({ request: "r", action, account: "main", order: outcome === "denied" ? null : "atabc", outcome, reasons: [], follow: null, ...more });
const life = (status: string, kinds: string[] = []) => ({ order: { ...order, status }, events: kinds.map((kind, seq) => ({ seq, at: seq, since_first_ms: seq, kind, data: {} })) });

beforeEach(async () => {
  appearance.language = "en";
  answers.clear();
  sent.length = 0;
  answers.set("GET system", () => json(system));
  answers.set("GET accounts", () => json([account]));
  answers.set("GET positions", () => json([position]));
  answers.set("GET strategies", () => json([strategy]));
  answers.set("POST orders/preview", () => json(preview));
  answers.set("POST orders/atabc/preview", () => json(changed));
  answers.set("GET orders/atabc", () => json(life("filled")));
  forget();
  document.body.innerHTML = "";
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  await router.push("/");
});
const there = (name: string) => document.querySelector<HTMLElement>(`[data-test=${name}]`);
const button = (name: string) => there(name) as HTMLButtonElement;
async function type(name: string, text: string): Promise<void> {
  const field = there(name) as HTMLInputElement;
  field.value = text;
  field.dispatchEvent(new Event("input"));
  await vi.advanceTimersByTimeAsync(400);
  await flushPromises();
}
async function newOrder(props = {}): Promise<void> {
  const { useDesk } = await import("@/lib/desk");
  await useDesk().strategies.read();
  await useDesk().system.read();
  const { default: NewOrder } = await import("@/pages/orders/NewOrder.vue");
  mount(NewOrder, { props, attachTo: document.body, global: { plugins: [router] } });
  await flushPromises();
}

describe("a new order", () => {
  it("asks every rule before it can be sent, and says what it does", async () => {
    await newOrder();
    expect(button("order-go").disabled).toBe(true);
    await type("order-size", "45");
    expect(sent.map((one) => one.what)).toEqual(["POST orders/preview"]);
    expect(there("risk-result")!.textContent).toContain("Buy 45 US:AAPL at the market on main.");
    expect(there("rules")!.textContent).toContain("Gross leverage");
    expect(there("risk-result")!.textContent).toContain("next new target starts from what is held");
    expect(there("bare")!.textContent).toContain("No stop comes with it");
    expect(button("order-go").textContent).toBe("Buy 45 US:AAPL");
    expect(button("order-go").disabled).toBe(false);
  });
  it("is sent once under one name, and confirmed by the venue's word", async () => {
    answers.set("POST orders", () => json(told("place", "accepted"), 202));
    await newOrder();
    await type("order-size", "45");
    button("order-go").click();
    await vi.advanceTimersByTimeAsync(50);
    await flushPromises();
    const [body] = sent.filter((one) => one.what === "POST orders").map((one) => one.body);
    expect(body).toMatchObject({ instrument: "US:AAPL", account: "main", side: "buy", quantity: "45", reduce_only: false, confirm: null });
    expect(String(body!.request)).toMatch(/^[0-9a-f]{32}$/);
    expect(there("sending")!.dataset.stage).toBe("confirmed");
    expect(there("sending")!.textContent).toContain("confirmed by the venue: filled");
    expect(there("order-go")).toBeNull();
  });
  it("says every rule that denies, and is not sent", async () => {
    answers.set("POST orders/preview", () => json({ ...preview, allowed: false, reasons: [{ rule: "max_leverage", message: "account main would be 200% of equity" }] }));
    await newOrder();
    await type("order-size", "45");
    expect(there("risk-result")!.textContent).toContain("risk denies it");
    expect(there("risk-result")!.textContent).toContain("account main would be 200% of equity");
    expect(button("order-go").disabled).toBe(true);
  });
  it("warns of no missing stop where its strategy guards it, or where less is held after it", async () => {
    const { default: RiskResult } = await import("@/pages/orders/RiskResult.vue");
    const warns = (over: object) => mount(RiskResult, { props: { preview: { ...preview, ...over } as Shapes["OrderPreview"] } }).find("[data-test=bare]").exists();
    expect([warns({}), warns({ guarded: true }), warns({ position: "45", after: "0" })]).toEqual([true, false, false]);
  });
  it("wants the account typed where money is real", async () => {
    answers.set("GET system", () => json({ ...system, execution: "live" }));
    await newOrder();
    await type("order-size", "45");
    expect(button("order-go").disabled).toBe(true);
    await type("order-confirm", "main");
    expect(button("order-go").disabled).toBe(false);
  });
  it("says that nothing is known after five seconds", async () => {
    answers.set("POST orders", () => json(told("place", "accepted"), 202));
    answers.set("GET orders/atabc", () => json(life("pending")));
    await newOrder();
    await type("order-size", "45");
    button("order-go").click();
    await vi.advanceTimersByTimeAsync(100);
    await flushPromises();
    expect(there("sending")!.dataset.stage).toBe("judged");
    await vi.advanceTimersByTimeAsync(5_000);
    await flushPromises();
    expect(there("sending")!.textContent).toContain("outcome unknown");
  });
  it("closes a position with what only reduces", async () => {
    answers.set("POST orders", () => json(told("place", "accepted"), 202));
    await newOrder({ closing: { account: "main", instrument: "US:AAPL", side: "sell", quantity: "45" } });
    await vi.advanceTimersByTimeAsync(400);
    await flushPromises();
    expect(sent[0]!.body).toMatchObject({ side: "sell", quantity: "45", reduce_only: true });
    expect(button("order-go").textContent).toBe("Close 45 US:AAPL");
  });
});

it("an order whose answer is lost is asked for again under its own name, never as a second one", async () => {
  answers.set("POST orders", () => json({ error: { code: "access.unusable", message: "the disk is full", hint: null } }, 503));
  await newOrder();
  await type("order-size", "45");
  button("order-go").click();
  await flushPromises();
  expect(there("sending")!.dataset.stage).toBe("unanswered");
  expect(there("order-go")).toBeNull();
  answers.set("POST orders", () => json(told("place", "accepted"), 202));
  [...document.querySelectorAll("button")].find((one) => one.textContent === "Ask again")!.click();
  await flushPromises();
  const names = sent.filter((one) => one.what === "POST orders").map((one) => one.body.request);
  expect(names).toHaveLength(2);
  expect(new Set(names).size).toBe(1);
});

it.each([["1,250.5", "1250.5"], ["0,5", null], ["40,25", null], ["1,00", null]])("a size typed as %s is %s: a comma for a point makes no tenfold order", async (typed, size) => {
  await newOrder();
  await type("order-size", typed);
  expect(sent.map((one) => one.body.quantity ?? null)).toEqual(size === null ? [] : [size]);
});

it("closing a position that no strategy trades any more closes no other", async () => {
  answers.set("GET strategies", () => json([{ ...strategy, symbols: ["US:MSFT"] }]));
  await newOrder({ closing: { account: "main", instrument: "US:AAPL", side: "sell", quantity: "45" } });
  await vi.advanceTimersByTimeAsync(400);
  await flushPromises();
  expect(sent[0]!.body).toMatchObject({ instrument: "US:AAPL", side: "sell", quantity: "45", reduce_only: true });
});

it("a market order carries no validity that was chosen for another kind and is not shown", async () => {
  await newOrder();
  await type("order-size", "45");
  button("order-limit").click();
  await flushPromises();
  await type("order-limit-price", "40");
  const tif = [...document.querySelectorAll("select")].find((one) => [...one.options].some((o) => o.value === "fok"))!;
  tif.value = "fok";
  tif.dispatchEvent(new Event("change"));
  await vi.advanceTimersByTimeAsync(400);
  expect(sent.at(-1)!.body).toMatchObject({ limit: "40", tif: "fok" });
  button("order-market").click();
  await vi.advanceTimersByTimeAsync(400);
  expect(sent.at(-1)!.body).toMatchObject({ limit: null, tif: "gtc" });
});

it("an amendment begins from every digit of the order", async () => {
  const { default: AmendOrder } = await import("@/pages/orders/AmendOrder.vue");
  mount(AmendOrder, { props: { order: { ...order, limit: "97123.450", quantity: "1E-7" } as Shapes["Order"] }, attachTo: document.body, global: { plugins: [router] } });
  await flushPromises();
  expect((there("amend-limit") as HTMLInputElement).value).toBe("97123.45");
  expect((there("amend-quantity") as HTMLInputElement).value).toBe("0.0000001");
  await type("amend-limit", "97123.5");
  expect(button("amend-go").disabled).toBe(false);
});

it("an amendment shows what risk says of it before it can be sent", async () => {
  const { default: AmendOrder } = await import("@/pages/orders/AmendOrder.vue");
  mount(AmendOrder, { props: { order: { ...order, filled: "2" } as Shapes["Order"] }, attachTo: document.body, global: { plugins: [router] } });
  await flushPromises();
  expect(sent).toEqual([]);
  await type("amend-limit", "950");
  expect(sent).toEqual([{ what: "POST orders/atabc/preview", body: { limit: "950" } }]);
  expect(there("risk-result")!.textContent).toContain("2 of it has traded; the rest becomes: Sell 3 US:AAPL at 950.000 or better on main.");
  expect(there("rules")!.textContent).toContain("Gross leverage");
  expect(button("amend-go").disabled).toBe(false);
  answers.set("POST orders/atabc/preview", () => json({ ...changed, allowed: false, reasons: [{ rule: "max_notional", message: "too much" }] }));
  await type("amend-limit", "9500000");
  expect(there("risk-result")!.textContent).toContain("risk denies it");
  expect(button("amend-go").disabled).toBe(true);
});

it("an amendment sends what differs alone", async () => {
  answers.set("PATCH orders/atabc", () => json(told("amend", "accepted"), 202));
  answers.set("GET orders/atabc", () => json(life("accepted", ["OrderAmendRequested", "OrderAmended"])));
  const { default: AmendOrder } = await import("@/pages/orders/AmendOrder.vue");
  mount(AmendOrder, { props: { order: order as Shapes["Order"] }, attachTo: document.body, global: { plugins: [router] } });
  await flushPromises();
  expect(button("amend-go").disabled).toBe(true);
  await type("amend-limit", "950");
  button("amend-go").click();
  await vi.advanceTimersByTimeAsync(50);
  await flushPromises();
  const [body] = sent.filter((one) => one.what === "PATCH orders/atabc").map((one) => one.body);
  expect(body).toMatchObject({ limit: "950" });
  expect(body).not.toHaveProperty("quantity");
  expect(there("sending")!.textContent).toContain("confirmed by the venue: amended");
});

it("cancelling all lists them, and wants the account typed", async () => {
  answers.set("DELETE orders/atabc", () => json(told("cancel", "accepted"), 202));
  answers.set("GET orders/atabc", () => json(life("cancelled")));
  const { default: CancelOrders } = await import("@/pages/orders/CancelOrders.vue");
  mount(CancelOrders, { props: { orders: [order as Shapes["Order"]], all: true, unlisted: 234 }, attachTo: document.body, global: { plugins: [router] } });
  await flushPromises();
  expect(there("cancel-list")!.textContent).toContain("US:AAPL");
  expect(there("unlisted")!.textContent).toContain("234 more orders are open and not listed here: they stay.");
  expect(button("cancel-go").disabled).toBe(true);
  await type("cancel-name", "main");
  button("cancel-go").click();
  await vi.advanceTimersByTimeAsync(50);
  await flushPromises();
  expect(sent.map((one) => one.what)).toEqual(["DELETE orders/atabc"]);
  expect(there("sending")!.dataset.stage).toBe("confirmed");
});

it("cancelling several waits for none of them before the next", async () => {
  const orders = ["one", "two", "three", "four", "five"].map((name) => ({ ...order, order: name })) as unknown as Shapes["Order"][];
  const { default: CancelOrders } = await import("@/pages/orders/CancelOrders.vue");
  answers.set("DELETE orders/one", () => new Promise<Response>(() => {}) as unknown as Response);
  for (const name of ["two", "three", "four", "five"]) answers.set(`DELETE orders/${name}`, () => json({ ...told("cancel", "accepted"), order: null }, 202));
  mount(CancelOrders, { props: { orders }, attachTo: document.body, global: { plugins: [router] } });
  await flushPromises();
  button("cancel-go").click();
  await flushPromises();
  await flushPromises();
  expect(sent.map((one) => one.what.replace("DELETE orders/", "")).sort()).toEqual(["five", "four", "one", "three", "two"]);
});

it.each([
  ["place", "pending", [], null], ["place", "accepted", [], "confirmed"], ["place", "rejected", [], "refused"], ["place", "unknown", [], "unknown"],
  ["cancel", "pending_cancel", ["OrderCancelRequested"], null], ["cancel", "cancelled", [], "confirmed"], ["cancel", "filled", [], "refused"],
  ["amend", "pending_amend", ["OrderAmendRequested"], null], ["amend", "accepted", ["OrderAmended"], null],
  ["amend", "accepted", ["OrderAmendRequested", "OrderAmendRefused"], "refused"],
] as const)("the venue on %s of an order that is %s", (action, status, kinds, said) => {
  expect(venueSays(action, life(status, [...kinds]) as unknown as Shapes["OrderLife"])).toBe(said);
});
