/** What becomes of a request about an order: sent, judged by risk, confirmed by the venue, or not known. */
import { computed, onScopeDispose, ref, shallowRef } from "vue";
import { ApiFailure, client, taken, type Shapes } from "@/api/client";
import { useResource } from "@/api/resource";

type Asked = Shapes["OrderAsked"];
export type Stage = "idle" | "sending" | "judged" | "confirmed" | "refused" | "denied" | "unanswered" | "unknown";
const PATIENCE_MS = 5_000;
const OPEN = new Set(["pending", "pending_cancel", "pending_amend"]);
const BAD = new Set(["rejected", "absent"]);

/** A name that no other request has: asked again by it, nothing is done twice. */
export const requestName = (): string => Array.from(crypto.getRandomValues(new Uint8Array(16)), (one) => one.toString(16).padStart(2, "0")).join("");

/** What the venue has said about a request, by the order's life; null while it has said nothing. */
export function venueSays(action: Asked["action"], life: Shapes["OrderLife"] | undefined): "confirmed" | "refused" | "unknown" | null {
  if (!life) return null;
  const status = life.order.status;
  if (action === "place") return BAD.has(status) ? "refused" : status === "unknown" ? "unknown" : OPEN.has(status) ? null : "confirmed";
  const wish = action === "amend" ? "OrderAmendRequested" : "OrderCancelRequested";
  const since = life.events.map((e) => e.kind).lastIndexOf(wish);
  const after = since < 0 ? [] : life.events.slice(since + 1).map((e) => e.kind);
  if (action === "cancel") return status === "cancelled" ? "confirmed" : ["filled", "expired", "rejected"].includes(status) || after.includes("OrderCancelRefused") ? "refused" : null;
  return after.includes("OrderAmended") ? "confirmed" : after.includes("OrderAmendRefused") ? "refused" : null;
}

/** Whether a failure leaves open if the request was taken: no answer, or one of a server in trouble. */
const isLost = (failure: ApiFailure | null): boolean => failure !== null && (failure.status === 0 || failure.status >= 500);

export function useSending() {
  const answer = shallowRef<Asked | null>(null);
  const failure = shallowRef<ApiFailure | null>(null);
  const busy = ref(false);
  const late = ref(false);
  let turn = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  onScopeDispose(() => clearTimeout(timer));

  const followed = computed(() => (answer.value?.outcome === "accepted" ? answer.value.order ?? undefined : undefined));
  const life = useResource<Shapes["OrderLife"]>(null, () =>
    taken(client.GET("/api/v1/orders/{order_id}", { params: { path: { order_id: followed.value! } } })), { topics: ["order."], every: 2_000, when: () => followed.value });
  const venue = computed(() => (answer.value && followed.value ? venueSays(answer.value.action, life.data.value) : null));
  const stage = computed<Stage>(() => {
    if (busy.value) return late.value ? "unanswered" : "sending";
    if (!answer.value) return isLost(failure.value) ? "unanswered" : "idle";
    if (answer.value.outcome === "denied") return "denied";
    if (answer.value.outcome === "unanswered") return "unanswered";
    return venue.value ?? (late.value ? "unknown" : "judged");
  });

  async function send(ask: () => Promise<Asked>): Promise<void> {
    const mine = ++turn;
    busy.value = true;
    late.value = false;
    failure.value = answer.value = null;
    clearTimeout(timer);
    timer = setTimeout(() => (late.value = true), PATIENCE_MS);
    try {
      const found = await ask();
      if (mine === turn || found.outcome !== "unanswered") answer.value = found;
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      if (mine === turn) failure.value = error;
    } finally {
      if (mine === turn) busy.value = false;
    }
  }
  return { stage, answer, failure, send, order: computed(() => life.data.value?.order) };
}
export type Sending = ReturnType<typeof useSending>;
