/** What a person is told while it happens: toasts of eight seconds, and bars that stay until seen. */
import { reactive } from "vue";
import { client, taken, type Shapes } from "@/api/client";
import { onBack, onEvent, type LiveEvent } from "@/api/realtime";
import { said } from "@/i18n/common";
import { say } from "@/i18n/frame";
import { told } from "@/i18n/told";
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

/** Quiet hours of the settings: what is important is listed and not shown; critical is never held back. */
interface Quiet { begin: string; end: string; zone: string }
const held = { quiet: null as Quiet | null };

/** Whether the clock of `zone` stands in `[begin, end)`, over midnight where `end` is earlier. */
export function isQuiet(at: number, quiet: Quiet | null): boolean {
  if (!quiet) return false;
  const now = new Intl.DateTimeFormat("en-GB", { timeZone: quiet.zone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(at);
  return quiet.begin <= quiet.end ? now >= quiet.begin && now < quiet.end : now >= quiet.begin || now < quiet.end;
}

export function tell(weight: Notice["weight"], cause: string, text: string, at = Date.now()): void {
  const same = notices.all.find((n) => n.cause === cause && at - n.at < SAME_CAUSE_MS);
  if (same && weight !== "quiet") {
    same.count++;
    same.at = at;
    same.text = text;
    if (weight === "critical" && !notices.bars.includes(same)) {
      notices.bars.push(same); // it was acknowledged, and is there again
      if (appearance.sound) sound();
    }
    return;
  }
  notices.all.unshift({ id: counter.next++, cause, text, at, count: 1, weight });
  const kept = notices.all[0]!; // the reactive one, so that its count is seen everywhere
  notices.all.splice(MOST);
  if (weight === "critical") {
    notices.bars.push(kept);
    if (appearance.sound) sound();
  }
  if (weight === "important" && !isQuiet(Date.now(), held.quiet)) {
    notices.toasts.push(kept);
    setTimeout(() => dismiss(kept.id), TOAST_MS);
  }
}

const SEEN = "acknowledged";
const DAY_MS = 86_400_000;

/** Until when a person has seen each cause; of another cause nothing was seen by that. */
function seen(): Record<string, number> {
  const kept: unknown = JSON.parse(localStorage.getItem(SEEN) ?? "{}");
  return kept !== null && typeof kept === "object" ? (kept as Record<string, number>) : {};
}

/** A person has seen it: it does not come back with the next visit either. */
export function acknowledge(id: number): void {
  const notice = notices.bars.find((one) => one.id === id);
  const recent = Object.entries(seen()).filter(([, at]) => at > Date.now() - DAY_MS);
  if (notice) localStorage.setItem(SEEN, JSON.stringify(Object.fromEntries([...recent, [notice.cause, Date.now()]])));
  dismiss(id);
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
    case "OrderDenied": {
      const refused = data as unknown as { intent?: { terms: { instrument: string } }; reasons?: { rule: string; message: string }[] };
      const of = refused.intent?.terms.instrument ?? symbol;
      const why = refused.reasons?.[0];
      return { weight: "important", cause: `denied ${of} ${why?.rule ?? ""}`, text: say("order_denied", { symbol: of, why: why ? told(why.message) : said("deny") }) };
    }
    case "OrderRejected":
      return { weight: "important", cause: `rejected ${symbol}`, text: say("order_rejected", { symbol: symbol || text(data.order_id), why: told(text(data.reason)) }) };
    case "OrderUnknown":
    case "OrderOutcomeUnknown":
      return { weight: "critical", cause: `unknown ${text(data.order_id)}`, text: say("order_unknown", { symbol: symbol || text(data.order_id) }) };
    default:
      return event.topic === "system.alert" ? ofAlert(data as unknown as Told) : null;
  }
}

/** The same alerts that go out as messages, in the language of the page. */
interface Told { seq?: number; at: number; severity: string; cause: string; title: Record<"en" | "zh", string> }
function ofAlert(alert: Told) {
  const weight = alert.severity === "critical" || alert.severity === "important" ? alert.severity : ("quiet" as const);
  return { weight, cause: alert.cause, text: alert.title[appearance.language] } as const;
}

/** What was critical in the last day and was not acknowledged stands again after a reload or a pause. */
async function recall(): Promise<void> {
  const query = { severity: ["critical" as const], language: appearance.language, limit: 10 };
  const page = await taken(client.GET("/api/v1/alerts", { params: { query } }));
  const [since, known] = [Date.now() - DAY_MS, seen()];
  for (const alert of [...page.items].reverse()) {
    if (alert.at <= Math.max(since, known[alert.cause] ?? 0) || !isNew(alert)) continue;
    tell("critical", alert.cause, alert.title, alert.at);
  }
}

/** Alerts that were told here, by the socket or when it stood again: none is told twice. */
const heard = new Set<string>();
const MOST_HEARD = 500;
function isNew(alert: { seq?: number; cause: string }): boolean {
  if (alert.seq === undefined) return true;
  const name = `${alert.seq} ${alert.cause}`;
  if (heard.has(name)) return false;
  heard.add(name);
  if (heard.size > MOST_HEARD) heard.delete(heard.values().next().value!);
  return true;
}

async function learnQuietHours(): Promise<void> {
  const rows = await taken(client.GET("/api/v1/settings"));
  const of = (key: string) => rows.find((row: Shapes["Setting"]) => row.key === `notification.${key}`)?.value as string | null | undefined;
  const [begin, end] = [of("quiet.begin"), of("quiet.end")];
  held.quiet = begin && end ? { begin, end, zone: of("time_zone") ?? "UTC" } : null;
}

export function listen(): () => void {
  void Promise.allSettled([recall(), learnQuietHours()]); // of what fails the lists tell as well
  // An alert has no number: none is told again by the socket when it stands again.
  const back = onBack(() => void recall().catch(() => {}));
  const deaf = onEvent((event) => {
    const notice = noticeOf(event);
    if (!notice || (event.topic === "system.alert" && !isNew(event.data as unknown as Told))) return;
    tell(notice.weight, notice.cause, notice.text);
    if (event.kind === "OrderFilled") speak(notice.text);
  });
  return () => (back(), deaf());
}
