/** What a person decides by: forms that send what they show, figures of the thing they name, Halt while one account trades. */
import { flushPromises, mount } from "@vue/test-utils";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { nextTick } from "vue";
import { createMemoryHistory, createRouter } from "vue-router";
import { account, position, system } from "./fixtures/desk";
import type { Shapes } from "@/api/client";
import { link } from "@/api/realtime";
import { forget } from "@/api/resource";
import { appearance } from "@/lib/appearance";
import { session } from "@/lib/session";

const { answers, sent, json } = vi.hoisted(() => {
  const held = new Map<string, (url: URL) => Response | Promise<Response>>();
  const asked: { what: string; body: Record<string, unknown> }[] = [];
  const make = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json" } });
  vi.stubGlobal("fetch", async (request: Request) => {
    const url = new URL(request.url);
    const what = `${request.method} ${url.pathname.replace("/api/v1/", "")}`;
    if (request.method !== "GET") asked.push({ what, body: JSON.parse((await request.text()) || "{}") as Record<string, unknown> });
    return held.get(what)?.(url) ?? make([]);
  });
  return { answers: held, sent: asked, json: make };
});
const names = ["orders", "markets", "strategies", "positions", "risk", "parity"];
const router = createRouter({ history: createMemoryHistory(), routes: [
  ...names.map((name) => ({ path: `/${name}/:order?/:symbol?/:name?`, name, component: { render: () => null } })),
  { path: "/:rest(.*)", name: "any", component: { render: () => null } },
] });
const there = (name: string) => document.querySelector<HTMLElement>(`[data-test=${name}]`);
const button = (name: string) => there(name) as HTMLButtonElement;
async function type(field: HTMLInputElement, text: string): Promise<void> {
  field.value = text;
  field.dispatchEvent(new Event("input"));
  await flushPromises();
}

beforeEach(async () => {
  appearance.language = "en";
  appearance.zone = "UTC";
  session.me = { name: "owner", role: "trader", csrf: "x", ends: null, has_password: true, has_code: false };
  answers.clear();
  sent.length = 0;
  answers.set("GET system", () => json(system));
  answers.set("GET accounts", () => json([account]));
  answers.set("GET positions", () => json([position]));
  forget();
  document.body.innerHTML = "";
  await router.push("/");
});

describe("a limit", () => {
  it("is changed to what was tried and shown, not to what was typed meanwhile", async () => {
    const tried: ((answer: Response) => void)[] = [];
    answers.set("GET risk/limits/account.max_leverage", () => new Promise((done) => tried.push(done)));
    const { default: ChangeLimit } = await import("@/pages/risk/ChangeLimit.vue");
    mount(ChangeLimit, { props: { limit: { key: "account.max_leverage", value: "3", origin: "the settings" } }, attachTo: document.body });
    await flushPromises();
    await type(there("limit-value") as HTMLInputElement, "2");
    there("limit-try")!.click();
    await flushPromises();
    await type(there("limit-value") as HTMLInputElement, "2.5");
    tried[0]!(json({ key: "account.max_leverage", before: "3", after: "2", loosens: false, in_force: false }));
    await flushPromises();
    expect(button("limit-go").disabled).toBe(true);
  });
  it("is asked for once, however often it is pressed", async () => {
    answers.set("GET risk/limits/account.max_leverage", () => json({ key: "account.max_leverage", before: "3", after: "2", loosens: false, in_force: false }));
    answers.set("PUT risk/limits/account.max_leverage", () => new Promise(() => {}));
    const { default: ChangeLimit } = await import("@/pages/risk/ChangeLimit.vue");
    mount(ChangeLimit, { props: { limit: { key: "account.max_leverage", value: "2", origin: "the settings" } }, attachTo: document.body });
    await flushPromises();
    there("limit-try")!.click();
    await flushPromises();
    button("limit-go").click();
    await flushPromises();
    button("limit-go").click();
    await flushPromises();
    expect(sent).toHaveLength(1);
  });
});

const strategy = { strategy: "trend", account: "main", use: "Trend", symbols: ["US:AAPL"], timeframe: "1d", share: 1, parameters: { fast: 20 }, status: "trading", holds: [], positions: 0, open_orders: 0 } as unknown as Shapes["Strategy"];
const kind = { use: "Trend", name: "Trend", origin: "library", doc: "", error: null, parameters: [{ name: "fast", kind: "int", default: 20, low: 5, high: 60, step: 5, choices: null, help: "" }] };

describe("parameters", () => {
  async function shown() {
    answers.set("GET strategy-kinds", () => json([kind]));
    const { default: Parameters } = await import("@/pages/strategies/Parameters.vue");
    const page = mount(Parameters, { props: { strategy }, attachTo: document.body });
    await flushPromises();
    return page;
  }
  it("that are being written stay while the same ones are read again", async () => {
    const page = await shown();
    const field = page.find("input").element;
    await type(field, "30");
    await page.setProps({ strategy: { ...strategy, parameters: { ...strategy.parameters } } });
    expect(page.find("input").element.value).toBe("30");
    expect(page.text()).toContain("Change 1");
    await page.setProps({ strategy: { ...strategy, parameters: { fast: 30 } } });
    expect(page.text()).not.toContain("Change 1");
  });
  it("that were taken out are not sent as 0", async () => {
    const page = await shown();
    await type(page.find("input").element, "");
    expect(page.find("button[type=submit]").exists()).toBe(false);
  });
  it("are asked for once, however often it is pressed", async () => {
    answers.set("PATCH strategies/trend/parameters", () => new Promise(() => {}));
    const page = await shown();
    await type(page.find("input").element, "30");
    await page.find("form").trigger("submit");
    await flushPromises();
    button("parameters-go").click();
    await flushPromises();
    button("parameters-go")?.click();
    await flushPromises();
    expect(sent).toEqual([{ what: "PATCH strategies/trend/parameters", body: { values: { fast: 30 }, reason: "console" } }]);
  });
});

it("the fills below a decision are its own, and its stop is found", async () => {
  const decision = (seq: number, price: number) => ({ seq, at: seq, account: "main", strategy: "trend", instrument: "US:AAPL", outcome: "decided", target: 1, acted: true, latched_quantity: "5", lots: 5, equity: "1000", price, quote: null, features: {}, state: {}, error: null, rules: [] });
  const order = (of: string, price: string) => ({ order: {}, events: [{ seq: 1, at: 100, since_first_ms: 0, kind: "OrderFilled", data: { fill: { price, quantity: "5", side: "buy", instrument: "US:AAPL", order: of } } }] });
  answers.set("GET decisions/1", () => json({ decision: decision(1, 100), events: [], orders: ["a1"] }));
  answers.set("GET decisions/2", () => json({ decision: decision(2, 200), events: [], orders: ["a2"] }));
  answers.set("GET orders/a1", () => json(order("a1", "101")));
  answers.set("GET orders/a2", () => json(order("a2", "202")));
  answers.set("GET orders", () => json({ items: [{ order: "s1", purpose: "stop_loss", kind: "stop", stop: "190", limit: null, submitted: 150 }], next: null, total: 1 }));
  const { default: Why } = await import("@/pages/strategies/Why.vue");
  const page = mount(Why, { props: { seq: 1 }, global: { plugins: [router] } });
  await flushPromises();
  await flushPromises();
  expect(page.find("[data-test=fill-bps]").text()).toContain("101");
  await page.setProps({ seq: 2 });
  await flushPromises();
  await flushPromises();
  expect(page.find("[data-test=fill-bps]").text()).toContain("202");
  expect(page.text()).toContain("190");
});

it("positions are summed by currency, and stand for what their contracts do", async () => {
  const swap = { ...position, instrument: "OKX:BTC/USDT:USDT", quantity: "3", mark: "50000", entry: "49000", unrealised: "30", notional: "1500", currency: "USDT" };
  answers.set("GET positions", () => json([position, swap]));
  const { useDesk } = await import("@/lib/desk");
  await useDesk().positions.read();
  const { default: Positions } = await import("@/pages/Positions.vue");
  const page = mount(Positions, { global: { plugins: [router] } });
  await flushPromises();
  expect(page.findAll("[data-test=total]").map((one) => one.text())).toEqual(["−40.11 USD", "+30.00 USDT"]);
  const columns = page.findComponent({ name: "DataTable" }).props("columns") as { key: string; text: (row: unknown) => string }[];
  expect(columns.find((one) => one.key === "notional")!.text(swap)).toBe("1,500.00");
});

it("shows beside a position where it is left and since when it is held, and liquidation only where margin applies", async () => {
  const swap: Shapes["Position"] = { ...position, instrument: "OKX:BTC/USDT:USDT", quantity: "-3", mark: "50000", stop: null, stop_distance: null, trail: 0.02, take_profit: "45000", liquidation: "61000", liquidation_distance: 0.22, since: null };
  const { useDesk } = await import("@/lib/desk");
  const { default: Positions } = await import("@/pages/Positions.vue");
  const shows = async (held: readonly Shapes["Position"][]) => {
    answers.set("GET positions", () => json(held));
    await useDesk().positions.read();
    const page = mount(Positions, { global: { plugins: [router] } });
    await flushPromises();
    const columns = page.findComponent({ name: "DataTable" }).props("columns") as { key: string; text: (row: unknown) => string }[];
    expect(page.find("[role=grid]").attributes("style")).toMatch(/min-width: 1\d{3}px/); // rows clip what they hold
    return (row: unknown) => Object.fromEntries(columns.map((one) => [one.key, one.text(row).trim()]));
  };
  const spot = (await shows([position]))(position);
  expect(spot).toMatchObject({ stop: "63.1000", stop_distance: "8.6\u202f%" });
  expect(spot.take_profit).toBeUndefined(); // a column of dashes says nothing
  expect(spot.since).toMatch(/ /);
  expect(spot.liquidation).toBeUndefined();
  const both = await shows([position, swap]);
  expect(both(swap)).toMatchObject({ stop: "trails 2.0\u202f%", stop_distance: "–", liquidation: "61,000.0", liquidation_distance: "22.0\u202f%", take_profit: "45,000.0", since: "–" });
  expect(both(position)).toMatchObject({ liquidation: "–", liquidation_distance: "–" });
});

it("knows no sum where one account has no price or no day, and says why", async () => {
  link.stale = false;
  const bar = async (accounts: readonly Shapes["Account"][]) => {
    answers.set("GET accounts", () => json(accounts));
    const { useDesk } = await import("@/lib/desk");
    await useDesk().accounts.read();
    const { default: StatusBar } = await import("@/frame/StatusBar.vue");
    const found = mount(StatusBar, { global: { plugins: [router] } });
    return (name: string) => found.find(`[data-test=${name}]`);
  };
  const second = { ...account, account: "second" };
  expect((await bar([account, second]))("day").text()).toContain("−24.80");
  const young = await bar([account, { ...second, day_profit: null }]);
  expect([young("day").text(), young("day").attributes("title")]).toEqual(["Day –", "Known after the first decision."]);
  const why = "US:AAPL is held and has no price to mark it at";
  const unpriced = await bar([account, { ...second, equity: null, day_profit: null, no_equity: why }]);
  expect([unpriced("equity").text(), unpriced("equity").attributes("title")]).toEqual(["–", `second: ${why}`]);
  expect([unpriced("day").text(), unpriced("day").attributes("title")]).toEqual(["Day –", `second: ${why}`]);
});

describe("Halt", () => {
  async function bar(accounts: readonly Shapes["Account"][]) {
    answers.set("GET system", () => json({ ...system, halted: true }));
    answers.set("GET accounts", () => json(accounts));
    const { useDesk } = await import("@/lib/desk");
    await useDesk().system.read();
    await useDesk().accounts.read();
    const { default: StatusBar } = await import("@/frame/StatusBar.vue");
    return mount(StatusBar, { global: { plugins: [router] } }).find<HTMLButtonElement>("[data-test=halt]").element;
  }
  const halted = { ...account, mode: "halted" };
  it("can be pressed while one account is halted and another trades", async () => {
    link.stale = false;
    expect((await bar([halted, { ...account, account: "second" }])).disabled).toBe(false);
  });
  it("rests where all are, as far as is known now", async () => {
    link.stale = false;
    expect((await bar([halted])).disabled).toBe(true);
    link.stale = true;
    expect((await bar([halted])).disabled).toBe(false);
    link.stale = false;
  });
});

const hold = (over: Partial<Shapes["Hold"]>): Shapes["Hold"] => ({ rule: "account.max_drawdown", action: "halt", strategy: null, instrument: null, by: "risk", why: "16% below its peak", since: 1_000, until: null, ...over });
const byHand = hold({ rule: "kill_switch", action: "flatten", by: "owner", why: "the venue answers nonsense", since: 5_000 });

describe("what holds back", () => {
  const accounts = [
    { ...account, holds: [hold({ rule: "max_missed_bars", action: "reduce_only", strategy: "trend", since: 500 }), hold({}), byHand] },
    { ...account, account: "second", holds: [hold({ rule: "stopped", strategy: "carry", by: "guest", why: "earnings", since: 2_000 })] },
  ];
  async function bar() {
    answers.set("GET accounts", () => json(accounts));
    const { useDesk } = await import("@/lib/desk");
    await useDesk().accounts.read();
    await useDesk().positions.read();
    const { default: HaltedBar } = await import("@/frame/HaltedBar.vue");
    return mount(HaltedBar, { global: { plugins: [router] } });
  }
  it("is told by the strictest, with who and why; the others are counted and a press away", async () => {
    const page = await bar();
    expect(page.find("p").text()).toMatch(/^Halted at \S+ \S+ by owner\. \S/);
    expect(page.find("p").text()).toContain("the venue answers nonsense");
    expect(page.find("[data-test=other-holds]").text()).toBe("3 more holds");
    await page.find("[data-test=other-holds]").trigger("click");
    const others = page.findAll("[data-test=holds] li").map((one) => one.text());
    expect(others).toHaveLength(3);
    expect(others[0]).toMatch(/^Drawdown, halt main · 16% below its peak · by risk · .*1970-01-01/);
    expect(others[1]).toContain("second · carry · earnings · by guest");
    expect(others[2]).toContain("main · trend");
  });
  it("names who halted once, where the reason says it, and what of it is not done yet", async () => {
    answers.set("GET accounts", () => json([{ ...account, to_cancel: 2, to_close: 1, holds: [hold({ rule: "kill_switch", by: "owner", why: "halted by owner (console): news" })] }]));
    const { useDesk } = await import("@/lib/desk");
    await useDesk().accounts.read();
    const { default: HaltedBar } = await import("@/frame/HaltedBar.vue");
    const text = mount(HaltedBar, { global: { plugins: [router] } }).find("p").text();
    expect(text.match(/owner/g)).toHaveLength(1);
    expect(text).toContain("Not done yet: 2 orders to cancel, 1 position to close.");
  });
  it("is compared with the account's own halt, from the first one in force on", async () => {
    const trip = (seq: number, of: string, over = {}) => ({ seq, at: seq, kind: "RiskTripped", account: of, strategy: null, instrument: null, rule: "kill_switch", value: null, limit: null, action: "halt", by: "owner", text: "", ended: null, ended_by: null, ...over });
    answers.set("GET risk/trips", () => json({ items: [trip(90, "second"), trip(80, "main", { rule: "account.max_drawdown" }), trip(70, "main"), trip(60, "main", { ended: 65 }), trip(50, "second")], next: null }));
    const asked: string[] = [];
    answers.set("GET journal/state", (url) => {
      asked.push(url.searchParams.get("seq")!);
      return json({ seq: 70, at: 70, kind: "RiskTripped", accounts: [{ ...account, equity: "11000" }, { ...account, account: "second", equity: "1" }], positions: [{ ...position, account: "second" }], orders: [] });
    });
    await bar();
    const { default: SinceHalt } = await import("@/pages/risk/SinceHalt.vue");
    const page = mount(SinceHalt, { props: { account: "main" }, global: { plugins: [router] } });
    await flushPromises();
    await flushPromises();
    expect(asked).toEqual(["70"]);
    expect(page.find("header").text()).toContain("main · Kill switch");
    expect(page.findAll("tbody tr").map((row) => row.text()).filter((row) => row.startsWith("Equity"))).toEqual([expect.stringContaining("Equity main, USD")]);
    expect(page.text()).toContain("US:AAPL · trend038");
  });
});

describe("on a phone", () => {
  beforeEach(async () => {
    const { useDesk } = await import("@/lib/desk");
    await useDesk().accounts.read();
  });
  async function standing(of: Partial<Shapes["System"]>) {
    answers.set("GET system", () => json({ ...system, ...of }));
    const { useDesk } = await import("@/lib/desk");
    await useDesk().system.read();
    const { default: StatusBar } = await import("@/frame/StatusBar.vue");
    return mount(StatusBar, { global: { plugins: [router] } });
  }
  const trader = (state: string) => ({ state, reasons: [], written: 1, last_decision: null }) as unknown as Shapes["Trader"];
  it.each([
    [{ trader: trader("running") }, "running"], [{ trader: trader("silent") }, "silent"], [{ trader: null }, "not running"],
    [{ trader: trader("running"), halted: true }, "halted"], [{ trader: trader("not running"), halted: true }, "halted · not running"],
  ])("what the trader does stands beside the mode: %#", async (of, words) => {
    link.stale = false;
    const place = (await standing(of)).find(".mode [data-test=standing]");
    expect(place.text()).toBe(words);
    expect(place.element.closest(".dk")).toBeNull(); // what a phone does not show
  });
  it("a halt of one account of two is not told as one of both", async () => {
    answers.set("GET accounts", () => json([{ ...account, mode: "halted" }, { ...account, account: "second" }]));
    const { useDesk } = await import("@/lib/desk");
    await useDesk().accounts.read();
    link.stale = false;
    expect((await standing({ trader: trader("running"), halted: true })).find("[data-test=standing]").text()).toBe("halted 1/2");
  });
  it("an old word is not told as today's", async () => {
    const page = await standing({ trader: trader("running") });
    link.stale = true;
    await nextTick(); // no clock ticks in between
    expect(page.find("[data-test=standing]").text()).toContain("stale");
    link.stale = false;
  });
  it("a trader that does not run is also told in a narrow window, where the next bar is not", async () => {
    expect((await standing({ trader: trader("silent") })).find("[data-test=trader]").classes()).not.toContain("wide");
  });
});

describe("a strategy that a person stopped", () => {
  async function shown(over: Partial<Shapes["Strategy"]>) {
    answers.set("GET decisions", () => json({ items: [], next: null }));
    answers.set("GET equity", () => json({ account: "main", strategy: "trend", currency: "USD", ts: [], equity: [], deposits: [], drawdown: [], hold: [], total: 0 }));
    const { default: Detail } = await import("@/pages/strategies/Detail.vue");
    const page = mount(Detail, { props: { strategy: { ...strategy, ...over } }, global: { plugins: [router] } });
    await flushPromises();
    return page;
  }
  const stop = hold({ rule: "stopped", strategy: "trend", by: "owner", why: "earnings" });
  it.each([
    [{ positions: 2 }, stop, "Its 2 positions stay with protective orders."], [{ positions: 0 }, stop, "It holds nothing."],
    [{ positions: 1 }, { ...stop, action: "flatten" }, "Its 1 position is being sold"],
  ])("has the way back beside what becomes of its position: %#", async (over, held, words) => {
    answers.set("POST strategies/trend/start", () => json({ strategy: "trend", asked: "start", running: true, in_force: true }));
    const page = await shown({ status: "stopped", holds: [held], ...over });
    const place = page.find("[data-test=stopped-bar]");
    expect(place.text()).toContain("by owner");
    expect(place.text()).toContain(words);
    await place.find("[data-test=start]").trigger("click");
    await flushPromises();
    expect(sent.map((one) => one.what)).toEqual(["POST strategies/trend/start"]);
  });
  it("is no other than that: what a limit stopped, Start does not let go on", async () => {
    const page = await shown({ status: "stopped", holds: [hold({ rule: "strategy.max_drawdown", strategy: "trend" })] });
    expect(page.find("[data-test=start]").exists()).toBe(false);
  });
});

it("what is not Halt waits while what is shown may be old", async () => {
  const { default: TypedSheet } = await import("@/frame/TypedSheet.vue");
  const { ask } = await import("@/frame/stopping");
  const { useDesk } = await import("@/lib/desk");
  await useDesk().accounts.read();
  mount(TypedSheet, { attachTo: document.body, global: { plugins: [router] } });
  ask("flatten", "main");
  await flushPromises();
  await type(there("typed-name") as HTMLInputElement, "main");
  expect(button("typed-go").disabled).toBe(false);
  link.stale = true;
  await flushPromises();
  expect(button("typed-go").disabled).toBe(true);
  expect(document.body.textContent).toContain("No live connection");
  link.stale = false;
});
