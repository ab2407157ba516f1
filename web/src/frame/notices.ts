/** What a person is told while it happens: toasts of eight seconds, and bars that stay. */
import { reactive } from "vue";
import { onEvent, type LiveEvent } from "@/api/realtime";
import { said } from "@/i18n/common";
import { say } from "@/i18n/frame";
import { appearance } from "@/lib/appearance";
import { price, quantity } from "@/lib/instruments";
import { sound } from "@/lib/sound";

export interface Notice {
  id: number;
  cause: string;
  text: string;
  at: number;
  count: number;
  weight: "critical" | "important" | "quiet";
}

const TOAST_MS = 8_000;
const SAME_CAUSE_MS = 600_000;
const MOST = 200;
const counter = { next: 1 };

export const notices = reactive({
  bars: [] as Notice[],
  toasts: [] as Notice[],
  all: [] as Notice[],
  spoken: "", // one polite sentence for screen readers, at most every five seconds
});

export function tell(weight: Notice["weight"], cause: string, text: string, at = Date.now()): void {
  const same = notices.all.find((n) => n.cause === cause && at - n.at < SAME_CAUSE_MS);
  if (same && weight !== "quiet") {
    same.count++;
    same.at = at;
    return;
  }
  notices.all.unshift({ id: counter.next++, cause, text, at, count: 1, weight });
  const kept = notices.all[0]!; // the reactive one, so that its count is seen everywhere
  notices.all.splice(MOST);
  if (weight === "critical") {
    notices.bars.push(kept);
    if (appearance.sound) sound();
  }
  if (weight === "important") {
    notices.toasts.push(kept);
    setTimeout(() => dismiss(kept.id), TOAST_MS);
  }
}

export function dismiss(id: number): void {
  for (const list of [notices.toasts, notices.bars]) {
    const at = list.findIndex((n) => n.id === id);
    if (at >= 0) list.splice(at, 1);
  }
}

const SPEAK_MS = 5_000;
let spokeAt = 0;

function speak(text: string): void {
  if (Date.now() - spokeAt < SPEAK_MS) return;
  spokeAt = Date.now();
  notices.spoken = text;
}

type Data = Record<string, unknown>;
const text = (value: unknown): string => (value === null || value === undefined ? "" : String(value));

/** A notice for an event that a person should know of; others have none. */
export function noticeOf(event: LiveEvent): { weight: Notice["weight"]; cause: string; text: string } | null {
  const data = event.data;
  const symbol = text(data.instrument);
  switch (event.kind) {
    case "OrderFilled": {
      const fill = (data.fill ?? data) as Data;
      const told = {
        side: said(text(fill.side)), quantity: quantity(text(fill.instrument), text(fill.quantity)),
        symbol: text(fill.instrument), price: price(text(fill.instrument), text(fill.price)),
      };
      return { weight: "quiet", cause: text(fill.trade_id), text: say("filled_now", told) };
    }
    case "OrderDenied":
      return { weight: "important", cause: `denied ${symbol}`, text: say("order_denied", { symbol, why: said("deny") }) };
    case "OrderRejected":
      return { weight: "important", cause: `rejected ${symbol}`, text: say("order_rejected", { symbol }) };
    case "OrderUnknown":
    case "OrderOutcomeUnknown":
      return { weight: "critical", cause: `unknown ${text(data.order_id)}`, text: say("order_unknown", { symbol: symbol || text(data.order_id) }) };
    case "RiskTripped":
      return { weight: "critical", cause: `tripped ${text(data.rule)}`, text: say("limit_tripped", { rule: text(data.rule) }) };
    default:
      return null;
  }
}

export function listen(): () => void {
  return onEvent((event) => {
    const notice = noticeOf(event);
    if (!notice) return;
    tell(notice.weight, notice.cause, notice.text);
    if (event.kind === "OrderFilled") speak(notice.text);
  });
}
