/** What is started by a button is started once; of many series none is left out unsaid. */
import { flushPromises, mount, type VueWrapper } from "@vue/test-utils";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { createMemoryHistory, createRouter } from "vue-router";
import { forget } from "@/api/resource";
import { appearance } from "@/lib/appearance";
import { session } from "@/lib/session";

const { answers, sent, json } = vi.hoisted(() => {
  const held = new Map<string, (url: URL) => Response | Promise<Response>>();
  const asked: string[] = [];
  const make = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json" } });
  vi.stubGlobal("fetch", async (request: Request) => {
    const url = new URL(request.url);
    const what = `${request.method} ${url.pathname.replace("/api/v1/", "")}`;
    if (request.method !== "GET") asked.push(what);
    return held.get(what)?.(url) ?? make([]);
  });
  return { answers: held, sent: asked, json: make };
});
const router = createRouter({ history: createMemoryHistory(), routes: [{ path: "/jobs", name: "jobs", component: { render: () => null } }, { path: "/:rest(.*)", name: "any", component: { render: () => null } }] });
const at = { global: { plugins: [router], stubs: { SideSheet: { props: ["open"], template: "<div v-if='open' role='dialog'><slot /></div>" } } } };
const series = (i: number) => ({ symbol: `OKX:C${i}/USDT`, name: "1h", bars: 10, first: 0, last: 1, coverage: 1, gaps: 1, grade: "A", error: null });
const work = { id: "w1", kind: "check", state: "waiting", command: "algotrader data check", asked: 1, started: null, ended: null, done: null, total: null, error: null, by: "owner", run: null, sweep: null, walkforward: null };

beforeEach(async () => {
  appearance.language = "en";
  session.me = { name: "owner", role: "trader", csrf: "x", ends: null, has_password: true, has_code: false };
  answers.clear();
  sent.length = 0;
  answers.set("GET data/completeness", (url) => json({
    series: series(Number(/C(\d+)/.exec(url.searchParams.get("symbol")!)![1])), calendar: "always", months: [{ month: "2026-01", coverage: 1 }],
    gaps: [{ begin: 0, bars: 1, reason: "not_downloaded" }], findings: {},
  }));
  forget();
  await router.push("/");
});
async function data(n: number): Promise<VueWrapper> {
  answers.set("GET data/series", () => json(Array.from({ length: n }, (_, i) => series(i))));
  const { default: Data } = await import("@/pages/Data.vue");
  const page = mount(Data, at);
  await flushPromises();
  await flushPromises();
  return page;
}
async function twice(page: VueWrapper, button: string, event = "click"): Promise<boolean> {
  await page.find(button).trigger(event);
  const disabled = page.find<HTMLButtonElement>(button.replace("form", "[data-test=download-go]")).element.disabled;
  await page.find(button).trigger(event);
  await flushPromises();
  return disabled;
}

describe("pressed twice", () => {
  it.each([["[data-test=check]", "POST data/checks"], ["[data-test=refill]", "POST data/repairs"]])("%s asks once", async (button, what) => {
    answers.set(what, () => new Promise(() => {}));
    const page = await data(2);
    expect(await twice(page, button)).toBe(true);
    expect(sent).toEqual([what]);
  });
  it("the form of a download asks once, and stays until it was taken", async () => {
    let answer: (found: Response) => void = () => {};
    answers.set("POST data/downloads", () => new Promise((done) => (answer = done)));
    const page = await data(2);
    await page.find("[data-test=download]").trigger("click");
    expect(await twice(page, "form", "submit")).toBe(true);
    expect(sent).toEqual(["POST data/downloads"]);
    expect(page.find("form").exists()).toBe(true);
    answer(json(work, 202));
    await flushPromises();
    expect(page.find("form").exists()).toBe(false);
    expect(page.text()).toContain("algotrader data check");
  });
  it("Compare asks once", async () => {
    answers.set("POST parity", () => new Promise(() => {}));
    const { default: Parity } = await import("@/pages/Parity.vue");
    const page = mount(Parity, at);
    await flushPromises();
    expect(await twice(page, "[data-test=compare-now]")).toBe(true);
    expect(sent).toEqual(["POST parity"]);
  });
});

describe("more series than a page holds", () => {
  const names = (page: VueWrapper) => page.findAll(".heat > span[title]").map((one) => one.attributes("title"));
  it("are counted, and the others are a press away", async () => {
    const page = await data(87);
    expect(page.find("[data-test=series-range]").text()).toBe("1 to 40 of 87 series");
    expect(names(page)).toHaveLength(40);
    await page.find("[data-test=series-after]").trigger("click");
    await page.find("[data-test=series-after]").trigger("click");
    await flushPromises();
    await flushPromises();
    expect(page.find("[data-test=series-range]").text()).toBe("81 to 87 of 87 series");
    expect(names(page).at(-1)).toBe("OKX:C86/USDT 1h");
  });
  it("are shown where they stand when the table names them", async () => {
    const page = await data(87);
    await page.findAll("table.plain tbody button").find((name) => name.text() === "OKX:C60/USDT")!.trigger("click");
    await flushPromises();
    await flushPromises();
    expect(page.find("[data-test=series-range]").text()).toBe("41 to 80 of 87 series");
    expect(page.findAll("h2").map((one) => one.text())).toContain("OKX:C60/USDT");
  });
});
