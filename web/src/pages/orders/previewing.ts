/** What risk says of an order or of a change, asked a moment after each key; an older answer is dropped. */
import { onScopeDispose, ref, shallowRef, watch } from "vue";
import { ApiFailure, type Shapes } from "@/api/client";

const ASK_AFTER_MS = 250;

/** `wish` is asked about anew whenever it is another; null asks nothing. */
export function usePreview<W>(wish: () => W | null, ask: (wish: W) => Promise<Shapes["OrderPreview"]>) {
  const preview = shallowRef<Shapes["OrderPreview"] | null>(null);
  const failure = shallowRef<ApiFailure | null>(null);
  const asking = ref(false);
  let turn = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  onScopeDispose(() => clearTimeout(timer));
  async function look(mine: number, of: W): Promise<void> {
    try {
      const found = await ask(of);
      if (mine === turn) preview.value = found;
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      if (mine === turn) failure.value = error;
    } finally {
      if (mine === turn) asking.value = false;
    }
  }
  watch(() => JSON.stringify(wish()), () => {
    clearTimeout(timer);
    const [mine, of] = [++turn, wish()];
    preview.value = failure.value = null;
    asking.value = of !== null;
    if (of !== null) timer = setTimeout(() => void look(mine, of), ASK_AFTER_MS);
  }, { immediate: true });
  return { preview, failure, asking };
}
