/** The line to the desk and what is read of it: nothing missed, nothing of one thing shown as another's. */
import { flushPromises, mount } from "@vue/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { defineComponent, ref } from "vue";
import { ApiFailure } from "@/api/client";
import { usePaged } from "@/api/paged";
import { connect, disconnect, link, onBack, onReset, tick } from "@/api/realtime";
import { useResource, type Resource } from "@/api/resource";

class Line {
  static all: Line[] = [];
  sent: Record<string, unknown>[] = [];
  closed = false;
  onopen = () => {};
  onmessage = (_: { data: string }) => {};
  onclose = (_: { code: number }) => {};
  constructor() { Line.all.push(this); }
  send(text: string) { this.sent.push(JSON.parse(text) as Record<string, unknown>); }
  close() { this.closed = true; }
  says(message: Record<string, unknown>) { this.onmessage({ data: JSON.stringify(message) }); }
  opens(seq: number) {
    this.says({ type: "heartbeat", at: Date.now(), seq, trader: null });
    this.onopen();
    this.says({ type: "subscribed", topics: ["*"], seq });
  }
}
const newest = () => Line.all.at(-1)!;

beforeEach(() => {
  vi.useFakeTimers({ now: Date.UTC(2026, 10, 22) });
  vi.stubGlobal("WebSocket", Line);
  Line.all = [];
});
afterEach(() => {
  disconnect();
  vi.useRealTimers();
});

describe("the line", () => {
  it("has everything read anew when it stands without what was missed, and asks for that when it comes back", () => {
    const [resets, backs] = [vi.fn(), vi.fn()];
    const ends = [onReset(resets), onBack(backs)];
    connect();
    newest().opens(100);
    expect(newest().sent).toEqual([{ op: "subscribe", topics: ["*"] }]);
    expect([resets.mock.calls.length, backs.mock.calls.length]).toEqual([1, 1]);
    newest().says({ type: "event", id: 101, topic: "order.filled", kind: "OrderFilled", at: 1, data: {} });
    newest().onclose({ code: 1006 });
    vi.advanceTimersByTime(600);
    newest().opens(105);
    expect(newest().sent[0]).toMatchObject({ after: 101 });
    expect([resets.mock.calls.length, backs.mock.calls.length]).toEqual([1, 2]);
    disconnect();
    connect(); // somebody signed in again, hours later: what stands here is of then
    newest().opens(900);
    expect(resets).toHaveBeenCalledTimes(2);
    ends.forEach((end) => end());
  });
  it("is given up when it says nothing, though nobody closed it", () => {
    connect();
    newest().opens(1);
    const dead = newest();
    vi.advanceTimersByTime(16_000);
    tick();
    expect(dead.closed).toBe(true);
    expect(newest()).not.toBe(dead);
    newest().opens(2);
    expect(link.stale).toBe(false);
    const count = Line.all.length;
    dead.onclose({ code: 1006 }); // its end is heard at last: no second line is begun by that
    vi.advanceTimersByTime(1_000);
    expect(Line.all).toHaveLength(count);
    expect(link.open).toBe(true);
  });
  it("of before does not come back beside the one of who signed in since", () => {
    connect();
    newest().opens(1);
    const old = newest();
    disconnect();
    connect();
    newest().opens(2);
    old.onclose({ code: 1005 });
    vi.advanceTimersByTime(2_000);
    tick();
    expect(Line.all).toHaveLength(2);
    expect(link.open).toBe(true);
  });
});

function within<T>(setup: () => T): T {
  let found: T | undefined;
  mount(defineComponent({ setup() { found = setup(); return () => null; } }));
  return found!;
}

describe("what is read", () => {
  it("of one thing is not shown as that of another, also when the other cannot be read", async () => {
    const of = ref("A");
    const found = within(() => useResource<string>(null, async () => {
      if (of.value === "B") throw new Error("not there");
      return `bars of ${of.value}`;
    }, { when: () => of.value })) as Resource<string>;
    await vi.advanceTimersByTimeAsync(1);
    expect(found.data.value).toBe("bars of A");
    of.value = "B";
    await flushPromises();
    expect(found.data.value).toBeUndefined();
    expect(found.state.value).toBe("failed");
  });
  it("again and again is not asked for while there is nothing to ask, nor before an answer came", async () => {
    const of = ref<string>();
    let [asked, answer] = [0, (_: string) => {}];
    const found = within(() => useResource<string>(null, () => (asked++, new Promise((done) => (answer = done))), { every: 2_000, when: () => of.value })) as Resource<string>;
    await vi.advanceTimersByTimeAsync(7_000);
    expect(asked).toBe(0);
    of.value = "A";
    await vi.advanceTimersByTimeAsync(7_000);
    expect(asked).toBe(1);
    answer("late");
    await vi.advanceTimersByTimeAsync(1);
    expect(found.data.value).toBe("late");
  });
  it("of older rows that cannot be read is said where the list is", async () => {
    const list = within(() => usePaged(null, async (cursor) => {
      if (cursor !== undefined) throw new ApiFailure(503, "api.reading", "the journal is still being read", null);
      return { items: [{ seq: 2 }], next: "1" };
    }, (r) => r.seq));
    await vi.advanceTimersByTimeAsync(1);
    await list.older();
    expect(list.first.failure.value?.code).toBe("api.reading");
    expect(list.rows.value).toHaveLength(1);
  });
  it("of an open bar is the newest that was heard, also when an earlier answer comes later", async () => {
    let answer: (rows: unknown) => void = () => {};
    vi.stubGlobal("fetch", () => new Promise((done) => (answer = (rows) => done(new Response(JSON.stringify(rows), { headers: { "Content-Type": "application/json" } })))));
    vi.resetModules();
    const { useForming } = await import("@/lib/forming");
    const { receive } = await import("@/api/realtime");
    const bar = (close: number, heard_ms: number) => ({ symbol: "OKX:BTC/USDT", timeframe: "1h", ts: 0, open: 1, high: 1, low: 1, close, volume: 1, heard_ms });
    const forming = within(() => useForming());
    receive({ type: "state", topic: "market.forming", data: bar(102, Date.now()) });
    answer([bar(101, Date.now() - 900)]);
    await flushPromises();
    expect(forming.last("OKX:BTC/USDT")?.close).toBe(102);
  });
  it("of a filtered list holds no older rows of the list before", async () => {
    const kind = ref("");
    const all = Array.from({ length: 9 }, (_, i) => ({ seq: 9 - i, kind: i % 3 ? "other" : "fill" }));
    const list = within(() => usePaged(null, async (cursor) => {
      const rows = all.filter((r) => !kind.value || r.kind === kind.value).filter((r) => cursor === undefined || r.seq < Number(cursor));
      return { items: rows.slice(0, 3), next: rows.length > 3 ? String(rows[2]!.seq) : null };
    }, (r) => r.seq, { when: () => kind.value }));
    await vi.advanceTimersByTimeAsync(1);
    await list.older();
    expect(list.rows.value).toHaveLength(6);
    kind.value = "fill";
    await vi.advanceTimersByTimeAsync(1);
    expect(list.rows.value.map((r) => r.seq)).toEqual([9, 6, 3]);
  });
});
