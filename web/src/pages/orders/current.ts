/** The long list of orders as they are now: its older pages are read once, and what was open then ends. */
import { computed, onScopeDispose, shallowRef, watch, type ComputedRef } from "vue";
import { ApiFailure, client, taken, type Shapes } from "@/api/client";
import type { Paged } from "@/api/paged";

type Order = Shapes["Order"];
const OVER = ["filled", "cancelled", "rejected", "expired", "absent", "settling"];
export const isOpen = (o: Order): boolean => o.ended === null && !OVER.includes(o.status);

/** `open` is kept fresh: an order that was open and is no more among them is asked for. */
export function useCurrent(all: Paged<Order>, open: Paged<Order>): ComputedRef<Order[]> {
  const ended = shallowRef<ReadonlyMap<string, Order>>(new Map());
  const asking = new Set<string>();
  let gone = false;
  onScopeDispose(() => (gone = true));

  const newest = computed(() => new Set(all.first.data.value?.items.map((o) => o.order)));
  const opened = computed(() => new Map(open.rows.value.map((o) => [o.order, o])));
  const rows = computed(() => all.rows.value.map((o) =>
    newest.value.has(o.order) || !isOpen(o) ? o : (opened.value.get(o.order) ?? ended.value.get(o.order) ?? o)));
  /** Where only the newest of the open ones were read, those after its oldest alone must be among them. */
  const oldest = computed(() => (open.more.value ? Math.min(...open.rows.value.map((o) => o.submitted)) : -Infinity));
  const doubtful = computed(() => (open.first.data.value === undefined ? []
    : rows.value.filter((o) => isOpen(o) && o.submitted > oldest.value && !newest.value.has(o.order) && !opened.value.has(o.order)).map((o) => o.order)));

  async function ask(order: string): Promise<void> {
    if (asking.has(order)) return;
    asking.add(order);
    try {
      const life = await taken(client.GET("/api/v1/orders/{order_id}", { params: { path: { order_id: order } } }));
      if (!gone) ended.value = new Map(ended.value).set(order, life.order);
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      if (!gone) all.first.failure.value = error; // said where the list is
    } finally {
      asking.delete(order);
    }
  }
  watch(() => doubtful.value.join(), () => doubtful.value.forEach((order) => void ask(order)), { immediate: true });
  return rows;
}
