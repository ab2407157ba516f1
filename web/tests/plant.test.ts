/** Risk, settings and the past: what they say in each state. */
import { flushPromises, mount } from "@vue/test-utils";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { createMemoryHistory, createRouter } from "vue-router";
import { refused } from "./fixtures/desk";
import "@/i18n/told/books"; // so that it is here at once when it is asked for
import { appearance } from "@/lib/appearance";
import { limitName, subjectName, tripValue } from "@/lib/limits";
import { session } from "@/lib/session";

const { answers, asked, json } = vi.hoisted(() => {
  const held = new Map<string, () => Response>();
  const sent: { path: string; body: unknown }[] = [];
  const make = (body: unknown, status = 200) => new Response(status === 204 ? null : JSON.stringify(body), { status, headers: { "Content-Type": "application/json" } });
  vi.stubGlobal("fetch", async (request: Request) => {
    const path = `${request.method} ${new URL(request.url).pathname.replace("/api/v1/", "")}`;
    sent.push({ path, body: request.body ? await request.clone().json() : null });
    return held.get(path)?.() ?? make([]);
  });
  return { answers: held, asked: sent, json: make };
});
const router = createRouter({ history: createMemoryHistory(), routes: [{ path: "/:rest(.*)", name: "any", component: { render: () => null } }] });
const at = { global: { plugins: [router], stubs: { SideSheet: { props: ["open", "title"], template: "<div v-if='open' role='dialog'><h2>{{ title }}</h2><slot /></div>" } } } };
const run = { of: "account", live_only: [], begin: 0, until: 86_400_000, whole: true, judged: 62, unknown: 0, count: 3, trips: [{ account: "main", instrument: null, begin: 3_600_000, end: 7_200_000 }], now: [{ account: "main", instrument: null, truth: false, figures: { drawdown: 0.0317 } }] };

beforeEach(async () => {
  appearance.language = "en";
  appearance.zone = "UTC";
  answers.clear();
  asked.length = 0;
  await router.push("/");
});

describe("names of limits", () => {
  it.each([
    ["account.max_drawdown", "Drawdown", "回撤"], ["over.max_leverage", "Gross leverage", "总杠杆"], ["protection.cooldown.1", "Pause after a trade", "交易后暂停"],
    ["rule.calm", "calm", "calm"], ["kill_switch", "Kill switch", "紧急停机开关"],
  ])("say %s in words", (rule, en, zh) => {
    expect(limitName(rule)).toBe(en);
    appearance.language = "zh";
    expect(limitName(rule)).toBe(zh);
  });
  it("say of what in the language, and leave symbols alone", async () => {
    appearance.language = "zh";
    await vi.waitFor(() => expect(subjectName("account main")).toBe("账户 main"));
    expect([subjectName("orders of account main today"), subjectName("US:AAPL")]).toEqual(["账户 main 今日的委托数", "US:AAPL"]);
  });
  it.each([["account.max_daily_loss", "0.02", "2.0\u202f%"], ["max_leverage", "1.4", "1.40×"], ["order.max_notional", "4000", "4,000"], ["account.max_drawdown", "70%", "70%"], ["account.max_drawdown", "none", "none"]])("show what tripped of %s in its unit", (rule, value, shown) => {
    expect(tripValue(rule, value)).toBe(shown);
  });
});

describe("a rule", () => {
  async function editor() {
    vi.useFakeTimers();
    const { default: RuleEditor } = await import("@/pages/risk/RuleEditor.vue");
    const page = mount(RuleEditor, { ...at, props: { rules: [] } });
    await vi.advanceTimersByTimeAsync(500);
    vi.useRealTimers();
    await flushPromises();
    return page;
  }
  it("says how often it would have tripped, and its figures now", async () => {
    answers.set("GET risk/conditions", () => json({ when: "drawdown > 10%", problem: null, run }));
    const page = await editor();
    expect(page.find("[data-test=rule-verdict]").text()).toBe("It would have tripped 3 times in the last 90 days.");
    expect(page.text()).toContain("drawdown = 3.17");
    expect(page.text()).toContain("they cannot be changed from here");
  });
  it("has its fault under its column", async () => {
    answers.set("GET risk/conditions", () => json({ when: "drawdown > 10%", problem: { column: 10, message: "a fraction on the left of >", hint: "compare like with like" }, run: null }));
    const page = await editor();
    expect(page.find("[data-test=rule-column]").text()).toBe("^");
    expect(page.find("[data-test=rule-column]").element.textContent!.indexOf("^")).toBe(9);
    expect(page.find("[data-test=rule-verdict]").exists()).toBe(false);
  });
  it("says that nothing was decided yet, that days were too many, and what failed", async () => {
    answers.set("GET risk/conditions", () => json({ when: "drawdown > 10%", problem: null, run: null }));
    expect((await editor()).text()).toContain("Nothing was decided here yet");
    answers.set("GET risk/conditions", () => json({ when: "drawdown > 10%", problem: null, run: { ...run, whole: false, unknown: 4 } }));
    const part = await editor();
    expect(part.text()).toContain("too many for one answer");
    expect(part.text()).toContain("At 4 of them a figure was missing");
    answers.set("GET risk/conditions", () => json(refused, 503));
    expect((await editor()).text()).toContain(refused.error.message);
  });
});

describe("the course of a limit", () => {
  it("is summed up in words and can be read as a table", async () => {
    const { default: LimitCourse } = await import("@/pages/risk/LimitCourse.vue");
    const course = { account: "main", rule: "account.max_drawdown", subject: "account main", unit: "fraction", action: "halt", ts: [0, 3_600_000, 7_200_000], used: [0, 0.12, 0.03], limit: [0.15, 0.15, 0.15], peak: 0.8, peak_used: 0.12, peak_at: 3_600_000 };
    const page = mount(LimitCourse, { ...at, props: { course } });
    expect(page.find("svg").attributes("aria-label")).toContain("0.0\u202f% to 80.0\u202f%");
    await page.find("button").trigger("click");
    expect(page.findAll("tbody tr")).toHaveLength(3);
    expect(page.text()).toContain("12.0\u202f%");
  });
});

describe("the second factor", () => {
  it("is drawn here, refused with a wrong code, and on with a right one", async () => {
    session.me = { name: "owner", role: "admin", csrf: "x", ends: 1, has_password: true, has_code: false };
    answers.set("POST session/code", () => json({ secret: "JBSWY3DPEHPK3PXP", uri: "otpauth://totp/AlgorithmTrader:owner?secret=JBSWY3DPEHPK3PXP" }));
    answers.set("PUT session/code", () => json({ error: { code: "access.code", message: "the code does not fit the secret", hint: null } }, 422));
    const { default: SecondFactor } = await import("@/pages/settings/SecondFactor.vue");
    const page = mount(SecondFactor, at);
    await page.find("[data-test=factor-begin]").trigger("click");
    await flushPromises();
    expect(page.find("[data-test=factor-picture]").attributes("src")).toMatch(/^data:image\/svg\+xml,/);
    expect(page.find("[data-test=factor-seed]").text()).toBe("JBSW Y3DP EHPK 3PXP");
    await page.find("[data-test=factor-code]").setValue("000 000");
    await page.find("[data-test=factor-password]").setValue("four words that differ");
    await page.find("form").trigger("submit");
    await flushPromises();
    expect(page.text()).toContain("the code does not fit the secret");
    expect(asked.at(-1)!.body).toMatchObject({ code: "000000" });
    answers.set("PUT session/code", () => json(null, 204));
    await page.find("form").trigger("submit");
    await flushPromises();
    expect(session.me.has_code).toBe(true);
    expect(page.find("[data-test=factor-end]").exists()).toBe(true);
  });
});

describe("the past", () => {
  const then = { seq: 40, at: 86_400_000, kind: "OrderFilled", accounts: [{ account: "main", mode: "trading", currency: "USD", equity: "10049.58", cash: "8460.66", positions: 1, open_orders: 0, last_decision: 1, limits: [], holds: [] }], positions: [], orders: [] };
  it("is asked for again while it is read, and shown with its row", async () => {
    vi.useFakeTimers();
    let tries = 0;
    answers.set("GET journal/state", () => (++tries === 1 ? json({ error: { code: "api.reading", message: "the past is being read", hint: null } }, 503) : json(then)));
    const { default: Then } = await import("@/pages/journal/Then.vue");
    const page = mount(Then, { ...at, props: { seq: 40, last: 100 } });
    await vi.advanceTimersByTimeAsync(400);
    expect(page.text()).toContain("The past is being read");
    await vi.advanceTimersByTimeAsync(1_500);
    vi.useRealTimers();
    await flushPromises();
    expect(page.find("[data-test=then-equity]").text()).toBe("10,049.58");
    expect(page.text()).toContain("row 40, 1970-01-02 00:00:00 UTC");
    expect(page.text()).toContain("Nothing was held.");
  });
});

describe("in Chinese", () => {
  beforeEach(() => { appearance.language = "zh"; });
  it("a finished run names its figures and tells its assumptions", async () => {
    answers.set("GET runs/7f3a", () => json({
      strategy: "TrendFollow", symbols: ["US:AAPL"], timeframe: "1d", metrics: { max_drawdown: -0.1 }, undefined: {},
      assumptions: { fees: "the venue's own", path: "worst" }, assumptions_zh: { fees: "交易所自己的费率" },
    }));
    const { default: Run } = await import("@/pages/backtests/Run.vue");
    const page = mount(Run, { ...at, props: { run: "7f3a" } });
    await flushPromises();
    await page.findAll("[role=group] button")[1]!.trigger("click");
    const [figures, assumptions] = page.findAll("dl.dl").map((list) => list.text());
    expect(figures).toContain("最大回撤");
    expect(assumptions).toBe("手续费交易所自己的费率K 线内路径worst");
  });
  it("the log of a strategy says how loud a line is", async () => {
    answers.set("GET logs", () => json([{ at: "2026-11-22T12:00:00Z", level: "warning", event: "bar.late", process: "algotrader", fields: {} }]));
    const { default: Log } = await import("@/pages/strategies/Log.vue");
    const page = mount(Log, { ...at, props: { name: "trend" } });
    await flushPromises();
    expect(page.find(".tag").text()).toBe("警告");
  });
});

it("settings say which of them the running trader holds otherwise", async () => {
  const row = { key: "risk.account.max_drawdown", value: "0.5", origin: "algotrader.yaml:7", type: "fraction", description: "", restart: null, differs: true, held: "0.60" };
  answers.set("GET settings", () => json([row, { ...row, key: "api.port", value: 8000, differs: false, held: null }]));
  const { default: Settings } = await import("@/pages/Settings.vue");
  const page = mount(Settings, at);
  await flushPromises();
  expect(page.find("[data-test=differing]").text()).toContain("1 setting is not what the running trader holds");
  const columns = page.findComponent({ name: "DataTable" }).props("columns") as { key: string; text: (row: unknown) => string }[];
  expect(columns.find((one) => one.key === "value")!.text(row)).toBe("0.5 · the trader holds 0.60");
});
