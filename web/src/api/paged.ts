/** A long list read by cursor: the newest page is kept fresh, older ones are added when asked for. */
import { computed, shallowRef, watch } from "vue";
import { ApiFailure } from "@/api/client";
import { useResource, type Resource } from "@/api/resource";

export interface PageOf<T> {
  items: T[];
  next: string | null;
  total?: number | null;
}

export interface Paged<T> {
  rows: Readonly<{ value: readonly T[] }>;
  first: Resource<PageOf<T>>;
  more: Readonly<{ value: boolean }>;
  older: () => Promise<void>;
}

/** Rows of a page: the newest is read again with each change, an older one once. */
export const pageSize = (cursor: string | undefined): number => (cursor === undefined ? 200 : 1000);

/** `ask` reads the page at a cursor; `key` tells one row from another. */
export function usePaged<T>(
  name: string | null,
  ask: (cursor: string | undefined) => Promise<PageOf<T>>,
  key: (row: T) => string | number,
  wishes: Parameters<typeof useResource>[2] = {},
): Paged<T> {
  const first = useResource(name, () => ask(undefined), { keeps: true, ...wishes });
  const rest = shallowRef<readonly T[]>([]);
  const cursor = shallowRef<string | null>(null);
  let reading = false;
  let turn = 0; // which list is asked for

  // Of another list, what is older is not known; its first page takes the place of the one before.
  if (wishes.when) {
    watch(wishes.when, () => {
      turn++;
      reading = false;
      rest.value = [];
      cursor.value = null;
    });
  }
  watch(first.data, (page, before) => {
    if (!page) return;
    if (!before || !rest.value.length) {
      cursor.value = page.next ?? null;
      return;
    }
    // What left the first page, because newer rows came, joins the older ones. Where more came than
    // a page holds, those between are not known: what is older is read again when it is asked for.
    const stays = new Set(page.items.map(key));
    if (page.items.length && !before.items.some((row) => stays.has(key(row)))) {
      rest.value = [];
      cursor.value = page.next ?? null;
      return;
    }
    rest.value = [...before.items.filter((row) => !stays.has(key(row))), ...rest.value];
  }, { immediate: true });

  async function older(): Promise<void> {
    if (reading || cursor.value === null) return;
    const mine = turn;
    reading = true;
    try {
      const page = await ask(cursor.value);
      if (mine !== turn) return;
      rest.value = [...rest.value, ...page.items];
      cursor.value = page.next ?? null;
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      if (mine === turn) first.failure.value = error; // said where the list is
    } finally {
      if (mine === turn) reading = false;
    }
  }

  const rows = computed(() => {
    const seen = new Set<string | number>();
    return [...(first.data.value?.items ?? []), ...rest.value].filter((row) => {
      const own = key(row);
      return !seen.has(own) && seen.add(own);
    });
  });
  return { rows, first, more: computed(() => cursor.value !== null), older };
}
