/** What the frame of every page shows: mode, accounts, positions. Read once, kept fresh for all. */
import { computed, effectScope } from "vue";
import { client, taken, type Shapes } from "@/api/client";
import { link } from "@/api/realtime";
import { useResource } from "@/api/resource";

const scope = effectScope(true);

function begin() {
  return scope.run(() => {
    const topics = ["order.", "risk.", "system.", "account.", "strategy."] as const;
    const system = useResource("system", () => taken(client.GET("/api/v1/system")), {
      topics: ["system.", "risk."],
      every: 10_000,
    });
    const accounts = useResource("accounts", () => taken(client.GET("/api/v1/accounts")), {
      topics,
      every: 30_000,
    });
    const positions = useResource("positions", () => taken(client.GET("/api/v1/positions")), { topics });
    const strategies = useResource("strategies", () => taken(client.GET("/api/v1/strategies")), {
      topics,
    });
    const instruments = useResource("instruments", () => taken(client.GET("/api/v1/instruments")), {
      topics: ["system."],
      every: 60_000,
    });
    return { system, accounts, positions, strategies, instruments };
  })!;
}

let kept: ReturnType<typeof begin> | undefined;

export function useDesk() {
  kept ??= begin();
  return kept;
}

/** The mode of the money: as the trader that wrote the journal ran, else as configured. */
export const mode = computed(() => {
  const system = useDesk().system.data.value;
  return system?.execution ?? system?.mode ?? null;
});

export const halted = computed(() => useDesk().system.data.value?.halted ?? false);

/** Whether nothing is left that Halt would stop: not while one account trades on, or what is shown is old. */
export const haltedWhole = computed(() => {
  const accounts = useDesk().accounts.data.value ?? [];
  return halted.value && !link.stale && accounts.every((one) => one.mode === "halted");
});

/** Last prices and changes of the day, read anew at every closed slice. */
export function useWatched() {
  return useResource("watch", () => taken(client.GET("/api/v1/watch")), {
    topics: ["market.slice"], every: 60_000, settle: 1_000,
  });
}

/** Limits in their last fifth, or over, fullest first. */
export function tight(accounts: readonly Shapes["Account"][]): (Shapes["Limit"] & { account: string })[] {
  return accounts
    .flatMap((a) => a.limits.map((limit) => ({ ...limit, account: a.account })))
    .filter((limit) => share(limit) >= 0.8);
}

/** How much of a limit is used, 0 to 1 and beyond. */
export function share(limit: Pick<Shapes["Limit"], "used" | "limit">): number {
  const most = Number(limit.limit);
  return most > 0 ? Number(limit.used) / most : 0;
}
