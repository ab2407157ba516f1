/**
 * Something read from the API and kept fresh: the last good data stay while it is read again, and
 * stay when reading fails. Events whose topic begins with one of `topics` have it read anew. What was
 * read of one thing is never shown as that of another.
 */
import { getCurrentScope, onScopeDispose, ref, shallowRef, watch, type Ref, type ShallowRef } from "vue";
import { ApiFailure } from "@/api/client";
import { onEvent, onReset } from "@/api/realtime";

export type State = "loading" | "ready" | "failed";

export interface Resource<T> {
  data: ShallowRef<T | undefined>;
  state: Ref<State>;
  failure: ShallowRef<ApiFailure | undefined>;
  refreshing: Ref<boolean>;
  readAt: Ref<number>;
  read: () => Promise<void>;
}

interface Wishes {
  topics?: readonly string[];
  every?: number; // milliseconds
  settle?: number; // milliseconds in which events are answered by one reading
  when?: () => unknown; // read anew when this changes; nothing is read while it is undefined
  keeps?: boolean; // what `when` asks for is the same thing looked at otherwise: it stays until then
}

// A fill brings several events, all within a few milliseconds: one reading answers them all.
const GATHER_MS = 15;
const REST_MS = 250; // from one reading to the next, however much happens
const PATIENCE_MS = 20_000; // with an answer that does not come
const keepsake = new Map<string, unknown>();

/** `key` names what is kept between pages, so that a page opens with what was seen last. */
export function useResource<T>(key: string | null, ask: () => Promise<T>, wishes: Wishes = {}): Resource<T> {
  const kept = key === null ? undefined : (keepsake.get(key) as T | undefined);
  const data = shallowRef<T | undefined>(kept);
  const state = ref<State>(kept === undefined ? "loading" : "ready");
  const failure = shallowRef<ApiFailure>();
  const refreshing = ref(false);
  const readAt = ref(0);
  let turn = 0;
  let begunAt = 0;
  let waiting = false; // something happened while it was read
  let settling: ReturnType<typeof setTimeout> | undefined;

  async function read(): Promise<void> {
    const mine = ++turn;
    begunAt = Date.now();
    refreshing.value = true;
    try {
      const found = await ask();
      if (mine !== turn) return; // a later question has been asked
      data.value = found;
      if (key !== null) keepsake.set(key, found);
      state.value = "ready";
      failure.value = undefined;
      readAt.value = Date.now();
    } catch (error) {
      if (mine !== turn) return;
      failure.value =
        error instanceof ApiFailure ? error : new ApiFailure(0, "console.failed", String(error), null);
      state.value = "failed";
    } finally {
      if (mine === turn) {
        refreshing.value = false;
        if (waiting) soon();
        waiting = false;
      }
    }
  }

  const isReading = (): boolean => refreshing.value && Date.now() - begunAt < PATIENCE_MS;
  const isIdle = (): boolean => wishes.when !== undefined && wishes.when() === undefined;

  function soon(): void {
    if (isIdle()) return;
    if (isReading()) {
      waiting = true; // what is asked for now is let arrive, however fast things happen
      return;
    }
    settling ??= setTimeout(() => {
      settling = undefined;
      void read();
    }, Math.max(GATHER_MS, begunAt + (wishes.settle ?? REST_MS) - Date.now()));
  }

  const ends: (() => void)[] = [];
  if (wishes.topics) {
    const topics = wishes.topics;
    ends.push(onEvent((event) => topics.some((topic) => event.topic.startsWith(topic)) && soon()));
    ends.push(onReset(soon));
  }
  if (wishes.every) {
    // An answer that takes longer than that is waited for: else none would ever be taken.
    const rests = () => document.hidden || isIdle() || isReading();
    const timer = setInterval(() => rests() || void read(), wishes.every);
    ends.push(() => clearInterval(timer));
  }
  if (wishes.when) {
    const when = wishes.when;
    let of: unknown; // what the data are of
    ends.push(watch(when, (now) => {
      if (now === undefined) return;
      if (of !== undefined && of !== now && !wishes.keeps) {
        data.value = undefined;
        failure.value = undefined;
        state.value = "loading";
      }
      of = now;
      void read();
    }, { immediate: true }));
  } else {
    void read();
  }
  if (getCurrentScope()) {
    onScopeDispose(() => {
      clearTimeout(settling);
      turn++;
      ends.forEach((end) => end());
    });
  }
  return { data, state, failure, refreshing, readAt, read };
}

/** Before another person signs in, nothing of the last one's may be left. */
export function forget(): void {
  keepsake.clear();
}
