/** The live socket: resumes after the last event seen, says how old its last heart-beat is. */
import { reactive } from "vue";

export interface LiveEvent {
  id: number;
  topic: string;
  kind: string;
  at: number;
  data: Record<string, unknown>;
}

interface Heartbeat {
  at: number;
  seq: number;
  trader: { state: string; written: number; reasons: string[]; last_decision: number | null } | null;
}

const STALE_MS = 5_000;
const RETRY_MS = [500, 1_000, 2_000, 4_000, 8_000] as const;
const DEAD_MS = 15_000; // a line that says nothing for so long is given up: not every break is told
const SIGNED_OUT = 4401;

export const link = reactive({
  open: false,
  heardAt: 0, // by this machine's clock
  now: Date.now(),
  stale: false,
  delayMs: null as number | null, // from the server's clock; null before the first heart-beat
  trader: null as Heartbeat["trader"],
  seq: 0,
});

type Listener = (event: LiveEvent) => void;
const listeners = new Set<Listener>();
const resets = new Set<() => void>();
const backs = new Set<() => void>();
const held = { socket: null as WebSocket | null, wanted: false, tries: 0, last: null as number | null, triedAt: 0 };

export function onEvent(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function onReset(listener: () => void): () => void {
  resets.add(listener);
  return () => resets.delete(listener);
}

/** Each time the line stands again: what is told without a number was not heard meanwhile. */
export function onBack(listener: () => void): () => void {
  backs.add(listener);
  return () => backs.delete(listener);
}

export function connect(): void {
  if (held.wanted) return;
  held.wanted = true;
  link.heardAt = Date.now();
  open();
}

export function disconnect(): void {
  held.wanted = false;
  held.last = null;
  held.socket?.close();
  held.socket = null;
  link.open = false;
}

function open(): void {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(`${scheme}//${location.host}/ws/realtime`);
  held.socket = socket;
  held.triedAt = Date.now();
  const isMine = () => held.socket === socket; // one that was given up says nothing here any more
  socket.onopen = () => {
    if (!isMine()) return socket.close();
    link.open = true;
    held.tries = 0;
    told.resumes = held.last !== null;
    const after = held.last === null ? {} : { after: held.last };
    socket.send(JSON.stringify({ op: "subscribe", topics: ["*"], ...after }));
  };
  socket.onmessage = (message: MessageEvent<string>) => isMine() && receive(JSON.parse(message.data));
  socket.onclose = (closed) => {
    if (!isMine()) return;
    link.open = false;
    if (closed.code === SIGNED_OUT) held.socket = null; // the next question leads to the door
    if (!held.wanted || closed.code === SIGNED_OUT) return;
    const wait = RETRY_MS[Math.min(held.tries++, RETRY_MS.length - 1)];
    setTimeout(() => held.wanted && isMine() && open(), wait);
  };
}

const told = { resumes: false }; // whether the server was asked for what was missed

export function receive(message: { type: string } & Record<string, unknown>): void {
  if (message.type === "event") {
    const event = message as unknown as LiveEvent & { type: string };
    held.last = event.id;
    link.seq = event.id;
    listeners.forEach((listener) => listener(event));
  } else if (message.type === "heartbeat") {
    const beat = message as unknown as Heartbeat;
    link.heardAt = Date.now();
    link.stale = false;
    link.delayMs = Math.max(0, Date.now() - beat.at);
    link.trader = beat.trader;
    link.seq = beat.seq;
  } else if (message.type === "subscribed") {
    link.heardAt = Date.now();
    link.stale = false;
    held.last ??= Number(message.seq ?? 0);
    // What was read before is as old as the last line, or as the page: nobody tells what came since.
    if (!told.resumes) resets.forEach((listener) => listener());
    told.resumes = true;
    backs.forEach((listener) => listener());
  } else if (message.type === "state") {
    // Of no journal row: it has no number and is not told again after a pause.
    const event = { id: link.seq, kind: "", at: Date.now(), ...message } as unknown as LiveEvent;
    listeners.forEach((listener) => listener(event));
  } else if (message.type === "reset") {
    held.last = Number(message.seq ?? 0);
    resets.forEach((listener) => listener());
  }
}

/** Once a second: the clock of the status bar, and whether what is shown has grown old. */
export function tick(): void {
  link.now = Date.now();
  link.stale = held.wanted && link.now - link.heardAt > STALE_MS;
  const waits = link.now - Math.max(link.heardAt, held.triedAt);
  if (held.wanted && held.socket && waits > DEAD_MS) {
    held.socket.close();
    open();
  }
}
setInterval(tick, 1_000);
