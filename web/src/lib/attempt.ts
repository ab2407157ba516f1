/** Something asked of the API by a form: busy while it is sent, and what was refused. */
import { ref, shallowRef } from "vue";
import { ApiFailure } from "@/api/client";

export function useAttempt() {
  const busy = ref(false);
  const failure = shallowRef<ApiFailure | null>(null);
  /** Whether it was done. */
  async function attempt(work: () => Promise<unknown>): Promise<boolean> {
    if (busy.value) return false;
    busy.value = true;
    failure.value = null;
    try {
      await work();
      return true;
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      failure.value = error;
      return false;
    } finally {
      busy.value = false;
    }
  }
  return { busy, failure, attempt };
}
