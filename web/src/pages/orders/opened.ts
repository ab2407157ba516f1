/** Orders that are open, or in doubt: read anew from the newest as deep as somebody has looked. */
import { computed, type ComputedRef } from "vue";
import { client, taken, type Shapes } from "@/api/client";
import type { Paged } from "@/api/paged";
import { useResource } from "@/api/resource";

type Order = Shapes["Order"];
export const MOST_OF_PAGE = 1_000;
/** `total` counts all there are; `rows` may be the newest of them alone. */
export type Opened = Paged<Order> & { total: ComputedRef<number> };

/** Nothing of it is read once and kept: an older page would go on showing what has ended since. */
export function useOpened(status: "open" | "unknown"): Opened {
  let pages = 1;
  const first = useResource(`orders.${status}`, async () => {
    const found = new Map<string, Order>(); // between two pages an order may end, and the next ones move up
    for (let cursor: string | undefined, page = 1; ; page++) {
      const answer = await taken(client.GET("/api/v1/orders", { params: { query: { status, cursor, limit: MOST_OF_PAGE } } }));
      answer.items.forEach((order) => found.set(order.order, order));
      if (answer.next == null || page >= pages) return { items: [...found.values()], next: answer.next ?? null, total: answer.total };
      cursor = answer.next;
    }
  }, { topics: ["order."] });
  const rows = computed(() => first.data.value?.items ?? []);
  const more = computed(() => (first.data.value?.next ?? null) !== null);
  async function older(): Promise<void> {
    if (!more.value || first.refreshing.value) return;
    pages += 1;
    await first.read();
  }
  return { rows, first, more, older, total: computed(() => first.data.value?.total ?? rows.value.length) };
}
