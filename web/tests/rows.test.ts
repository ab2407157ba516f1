/** Rows of a table while they change: the one that keys act on, those that are read, those that ended. */
import { flushPromises, mount } from "@vue/test-utils";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { computed } from "vue";
import { createMemoryHistory, createRouter } from "vue-router";
import { account, system } from "./fixtures/desk";
import { forget } from "@/api/resource";
import { receive } from "@/api/realtime";
import { appearance } from "@/lib/appearance";
import DataTable from "@/ui/DataTable.vue";
import type { Column } from "@/ui/table";

/** Nothing has a height here: every row is drawn. */
vi.mock("@tanstack/vue-virtual", () => ({
  useVirtualizer: (wish: { value: { count: number } }) => computed(() => ({
    getTotalSize: () => 0, getVirtualItems: () => Array.from({ length: wish.value.count }, (_, index) => ({ index, start: 0 })), measure() {}, scrollToIndex() {},
  })),
}));
const { answers, json } = vi.hoisted(() => {
  const held = new Map<string, (url: URL) => Response>();
  const make = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json" } });
  vi.stubGlobal("fetch", async (request: Request) => {
    const url = new URL(request.url);
    return held.get(url.pathname.replace("/api/v1/", ""))?.(url) ?? make([]);
  });
  return { answers: held, json: make };
});
const router = createRouter({ history: createMemoryHistory(), routes: [
  { path: "/orders/:order?", name: "orders", component: { render: () => null } }, { path: "/:rest(.*)", name: "any", component: { render: () => null } },
] });
const at = { global: { plugins: [router] } };

beforeEach(async () => {
  appearance.language = "en";
  answers.clear();
  answers.set("system", () => json(system));
  answers.set("accounts", () => json([account]));
  forget();
  await router.push("/");
});

interface Row { id: number; state: string }
const COLUMNS: Column<Row>[] = [{ key: "id", head: "Id", width: "1fr", text: (r) => `row ${r.id}` }, { key: "state", head: "State", width: "1fr", text: (r) => r.state }];
const rows = (...ids: number[]): Row[] => ids.map((id) => ({ id, state: "open" }));

describe("a table", () => {
  async function shown(of: Row[]) {
    const page = mount(DataTable<Row>, { ...at, props: { columns: COLUMNS, rows: of, rowKey: (r: Row) => r.id, label: "Rows", file: "rows" }, attachTo: document.body });
    await flushPromises();
    return page;
  }
  type Page = Awaited<ReturnType<typeof shown>>;
  const press = (page: Page, key: string) => page.find("[role=grid]").trigger("keydown", { key });
  const opened = (page: Page) => page.emitted<[Row]>("open")!.at(-1)![0].id;
  async function below(page: Page): Promise<void> {
    const scroller = page.find(".overflow-auto");
    scroller.element.scrollTop = 200;
    await scroller.trigger("scroll");
  }
  const texts = (page: Page) => page.findAll(".grid-row").map((one) => one.findAll("[role=gridcell]").map((cell) => cell.text()).join(" "));

  it("opens the row that was chosen by keys, however many come before it", async () => {
    const page = await shown(rows(9, 8, 7));
    await press(page, "ArrowDown");
    await page.setProps({ rows: rows(12, 11, 10, 9, 8, 7) });
    await press(page, "Enter");
    expect(opened(page)).toBe(8);
    await press(page, "ArrowDown");
    await press(page, "Enter");
    expect(opened(page)).toBe(7);
  });
  it("keeps the first row that was entered, too", async () => {
    const page = await shown(rows(9, 8));
    await page.find("[role=grid]").trigger("focusin");
    await page.setProps({ rows: rows(10, 9, 8) });
    await press(page, "Enter");
    expect(opened(page)).toBe(9);
  });
  it("stays in its place when the chosen row ends", async () => {
    const page = await shown(rows(9, 8, 7));
    await press(page, "ArrowDown");
    await page.setProps({ rows: rows(9, 7) });
    await press(page, "Enter");
    expect(opened(page)).toBe(7);
  });
  it("shows below its top what became of each row, while new ones wait", async () => {
    const page = await shown(rows(9, 8, 7));
    await below(page);
    await page.setProps({ rows: [...rows(10, 9), { id: 8, state: "filled" }] });
    expect(texts(page)).toEqual(["row 9 open", "row 8 filled"]);
    expect(page.text()).toContain("1 new row");
  });
  it("keeps no row of another list", async () => {
    const page = await shown(rows(3, 2, 1));
    await below(page);
    await page.setProps({ rows: rows(30, 20, 10, 5) });
    expect(texts(page)).toEqual(["row 30 open", "row 20 open", "row 10 open", "row 5 open"]);
  });
  it("has the whole text of a cell at hand, which may be cut", async () => {
    const page = await shown(rows(1));
    expect(page.findAll("[role=gridcell]").map((cell) => cell.attributes("title"))).toEqual(["row 1", "open"]);
  });
  it("follows the filter of its address", async () => {
    await router.push("/orders");
    const page = await shown(rows(31, 20));
    await router.push("/orders?filter=31");
    await flushPromises();
    expect(page.find<HTMLInputElement>("input[type=search]").element.value).toBe("31");
    expect(texts(page)).toEqual(["row 31 open"]);
    await router.push("/orders");
    await flushPromises();
    expect(texts(page)).toHaveLength(2);
  });
});

it("an order of an older page is shown as it ended, not as it was when the page was read", async () => {
  const order = (name: string, status: string) => ({
    order: name, account: "main", strategy: "trend", instrument: "US:AAPL", side: "buy", kind: "limit", quantity: "5", filled: "0", average: null, limit: "900", stop: null,
    status, purpose: "target", decided: 1, submitted: 1, ended: status === "accepted" ? null : 9, venue_order: "v1",
  });
  let rests = true;
  const open = () => [order("new", "accepted"), ...(rests ? [order("old", "accepted")] : [])];
  answers.set("orders", (url) => {
    if (url.searchParams.get("status") !== "all") return json({ items: url.searchParams.get("status") === "open" ? open() : [], next: null, total: 1 });
    return json(url.searchParams.has("cursor") ? { items: [order("old", "accepted")], next: null, total: 2 } : { items: [order("new", "accepted")], next: "1", total: 2 });
  });
  answers.set("orders/old", () => json({ order: order("old", "filled"), events: [] }));
  await router.push("/orders");
  const { default: Orders } = await import("@/pages/Orders.vue");
  const page = mount(Orders, at);
  await flushPromises();
  const table = page.findComponent(DataTable);
  table.vm.$emit("more");
  await flushPromises();
  const states = () => ((table.props() as { rows: { order: string; status: string }[] }).rows).map((o) => `${o.order} ${o.status}`);
  expect(states()).toEqual(["new accepted", "old accepted"]);
  rests = false;
  receive({ type: "event", id: 1, topic: "order.filled", kind: "OrderFilled", at: 1, data: {} });
  await vi.waitFor(() => expect(states()).toEqual(["new accepted", "old filled"]));
});

it("of more open orders than a page holds, the count is of all, and it is said that a part is listed", async () => {
  const order = (name: string) => ({
    order: name, account: "main", strategy: "trend", instrument: "US:AAPL", side: "buy", kind: "limit", quantity: "5", filled: "0", average: null, limit: "900", stop: null,
    status: "accepted", purpose: "order", decided: 1, submitted: 1, ended: null, venue_order: "v1",
  });
  let there = ["new", "mid", "old"];
  answers.set("orders", (url) => {
    if (url.searchParams.get("status") === "all") return json({ items: [], next: null, total: 4_000 });
    if (url.searchParams.get("status") === "unknown") return json({ items: [order("new")], next: "1", total: 1_100 });
    const from = Number(url.searchParams.get("cursor") ?? 0);
    return json({ items: there.slice(from, from + 2).map(order), next: from + 2 < there.length ? String(from + 2) : null, total: 1_000 + there.length });
  });
  await router.push("/orders?tab=open");
  const { default: Orders } = await import("@/pages/Orders.vue");
  const page = mount(Orders, at);
  await flushPromises();
  expect(page.find(".head p").text()).toBe("1,003 open");
  expect(page.find("[data-test=part]").text()).toContain("The newest 2 of 1,003 are listed");
  expect(page.find(".bar-warn").text()).toContain("1,100 orders have an unknown outcome");
  const table = page.findComponent(DataTable);
  const names = () => (table.props() as { rows: { order: string }[] }).rows.map((o) => o.order);
  table.vm.$emit("more");
  await flushPromises();
  expect(names()).toEqual(["new", "mid", "old"]);
  expect(page.find("[data-test=part]").exists()).toBe(false);
  there = ["new", "mid"]; // the older one has ended since its page was read
  receive({ type: "event", id: 2, topic: "order.filled", kind: "OrderFilled", at: 1, data: {} });
  await vi.waitFor(() => expect(names()).toEqual(["new", "mid"]));
});

it("a line of the log keeps its name as others come, of two that are alike each its own", async () => {
  const line = (at: number) => ({ at: `2026-11-22T12:00:0${at}Z`, level: "info", event: "bar.closed", process: "api", fields: {} });
  let lines = [line(2), line(1), line(1)];
  answers.set("logs", () => json(lines));
  const { default: Logs } = await import("@/pages/Logs.vue");
  const page = mount(Logs, at);
  await flushPromises();
  const names = () => { const of = page.findComponent(DataTable).props() as { rows: object[]; rowKey: (row: object) => string }; return of.rows.map(of.rowKey); };
  const before = names();
  expect(new Set(before).size).toBe(3);
  lines = [line(3), ...lines];
  await router.push("/?level=info");
  await vi.waitFor(() => expect(names()).toHaveLength(4));
  expect(names().slice(1)).toEqual(before);
});
