/** What is shown in each state: loading, empty, failed, stale, halted; and halting in two presses. */
import { flushPromises, mount } from "@vue/test-utils";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { createMemoryHistory, createRouter } from "vue-router";
import { defineComponent, h, nextTick } from "vue";
import { account, asked, position, refused, system } from "./fixtures/desk";
import { appearance } from "@/lib/appearance";
import { link, receive, tick } from "@/api/realtime";
import { forget, useResource } from "@/api/resource";

/** Answers by method and path, in place before the client is made. */
const { answers, json } = vi.hoisted(() => {
  const held = new Map<string, () => Response>();
  const make = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json" } });
  vi.stubGlobal("fetch", async (request: Request) => {
    const path = new URL(request.url).pathname.replace("/api/v1/", "");
    return held.get(`${request.method} ${path}`)?.() ?? make([]);
  });
  return { answers: held, json: make };
});
const router = createRouter({ history: createMemoryHistory(), routes: [{ path: "/:rest(.*)", name: "any", component: { render: () => null } }] });

beforeEach(async () => {
  appearance.language = "en";
  answers.clear();
  answers.set("GET system", () => json(system));
  answers.set("GET accounts", () => json([account]));
  answers.set("GET positions", () => json([position]));
  answers.set("GET strategies", () => json([]));
  await router.push("/");
});

describe("a resource", () => {
  async function shown(ask: () => Promise<string[]>) {
    const { default: Shown } = await import("@/ui/Shown.vue");
    const Page = defineComponent({
      setup() {
        const of = useResource<string[]>(null, ask);
        return () => h(Shown as never, { of, empty: (rows: string[]) => !rows.length }, { default: ({ data }: { data: string[] }) => data.join(), empty: () => "nothing yet" });
      },
    });
    return mount(Page);
  }

  it("shows a skeleton while it is read, then what was read", async () => {
    let answer: (rows: string[]) => void = () => {};
    const page = await shown(() => new Promise((resolve) => (answer = resolve)));
    expect(page.find("[role=status].skeleton").exists()).toBe(true);
    answer(["a", "b"]);
    await flushPromises();
    expect(page.text()).toBe("a,b");
  });
  it("says the next step where there is nothing", async () => {
    const page = await shown(async () => []);
    await flushPromises();
    expect(page.text()).toBe("nothing yet");
  });
  it("says one cause whole once, and names it where it is met again", async () => {
    const { ApiFailure } = await import("@/api/client");
    const broken = async (): Promise<string[]> => { throw new ApiFailure(503, "desk.away", "it is away", "start it"); };
    const pages = [await shown(broken), await shown(broken)];
    await flushPromises();
    expect(pages.map((page) => page.text().includes("start it"))).toEqual([true, false]);
    expect(pages.map((page) => page.text().includes("it is away"))).toEqual([true, true]);
    pages[0]!.unmount();
    await nextTick();
    expect(pages[1]!.text()).toContain("start it");
  });
  it("says what failed, why, and the code, with a way to try again", async () => {
    const { ApiFailure } = await import("@/api/client");
    let tries = 0;
    const page = await shown(async () => {
      if (++tries === 1) throw new ApiFailure(503, "api.reading", "the journal is being read", "ask again in a moment");
      return ["back"];
    });
    await flushPromises();
    expect(page.text()).toContain("the journal is being read");
    expect(page.text()).toContain("ask again in a moment");
    expect(page.text()).toContain("api.reading");
    await page.find("button").trigger("click");
    await flushPromises();
    expect(page.text()).toBe("back");
  });
});

describe("the connection", () => {
  it("is stale after five seconds without a heart-beat, and live again with the next", async () => {
    vi.useFakeTimers();
    const { connect, disconnect } = await import("@/api/realtime");
    vi.stubGlobal("WebSocket", class { close() {} send() {} });
    connect();
    receive({ type: "heartbeat", at: Date.now(), seq: 1, trader: null });
    vi.advanceTimersByTime(4_000);
    tick();
    expect(link.stale).toBe(false);
    vi.advanceTimersByTime(2_000);
    tick();
    expect(link.stale).toBe(true);
    receive({ type: "heartbeat", at: Date.now(), seq: 1, trader: null });
    expect(link.stale).toBe(false);
    disconnect();
    vi.useRealTimers();
  });
});

describe("halting", () => {
  async function sheet() {
    forget();
    const { default: HaltSheet } = await import("@/frame/HaltSheet.vue");
    const { ask } = await import("@/frame/stopping");
    const page = mount(HaltSheet, { global: { plugins: [router] }, attachTo: document.body });
    ask("halt");
    await flushPromises();
    await nextTick();
    return page;
  }
  const press = async () => {
    document.querySelector<HTMLButtonElement>("[data-test=halt-now]")!.click();
    await flushPromises();
    await flushPromises();
  };

  it("is one press and one confirmation, and says whether it is accepted or done", async () => {
    answers.set("POST halt", () => json(asked(true), 202));
    const trips: unknown[] = [];
    answers.set("GET risk/trips", () => json({ items: trips, next: null, total: null }));
    await sheet();
    expect(document.querySelector("input")).toBeNull();
    await press();
    const doing = () => document.querySelector<HTMLElement>("[data-test=doing] [data-stage]")!;
    expect(doing().textContent).toContain("Accepted, not done yet");
    trips.push({ seq: 9_999, kind: "HaltRequested", account: "main", text: "" });
    const told = { type: "event", topic: "risk.halt_requested", kind: "HaltRequested", at: 1, data: {} };
    const heard = async (id: number) => {
      receive({ ...told, id });
      await new Promise((resolve) => setTimeout(resolve, 300));
      await flushPromises();
    };
    answers.set("GET accounts", () => json([{ ...account, mode: "halted", to_cancel: 2 }]));
    await heard(link.seq + 1);
    expect(doing().textContent).toContain("not done yet: 2 orders to cancel");
    answers.set("GET accounts", () => json([{ ...account, mode: "halted" }]));
    await heard(link.seq + 1);
    expect(doing().textContent).toContain("Done: halted");
  });
  it("says that it waits where no trader runs", async () => {
    answers.set("POST halt", () => json(asked(false), 202));
    await sheet();
    await press();
    expect(document.body.textContent).toContain("Halt is queued");
  });
  it("shows a refusal with its hint and the other ways", async () => {
    answers.set("POST halt", () => json(refused, 403));
    await sheet();
    await press();
    expect(document.body.textContent).toContain("viewer may not halt");
    expect(document.body.textContent).toContain("algotrader halt");
  });
});

describe("flattening", () => {
  it("asks for the account's name and lists what it closes", async () => {
    forget();
    const { default: TypedSheet } = await import("@/frame/TypedSheet.vue");
    const { ask } = await import("@/frame/stopping");
    mount(TypedSheet, { global: { plugins: [router] }, attachTo: document.body });
    ask("flatten", "main");
    await flushPromises();
    const go = document.querySelector<HTMLButtonElement>("[data-test=typed-go]")!;
    expect(go.disabled).toBe(true);
    expect(go.textContent).toContain("Flatten 1 position");
    expect(document.body.textContent).toContain("US:AAPL");
    const box = document.querySelector<HTMLInputElement>("[data-test=typed-name]")!;
    box.value = "main";
    box.dispatchEvent(new Event("input"));
    await nextTick();
    expect(go.disabled).toBe(false);
  });
});
