/** The bars that are still open, as they are told: about once a second, of live bars alone. */
import { onScopeDispose, shallowReactive } from "vue";
import { client, taken, type Shapes } from "@/api/client";
import { link, onEvent } from "@/api/realtime";

export type Forming = Shapes["FormingRow"];
const OLD_MS = 60_000; // what was heard longer ago is not how the bar stands

export function useForming() {
  const bars = shallowReactive(new Map<string, Forming>());
  /** The newest that was heard: an answer that was asked for earlier may come later. */
  function keep(bar: Forming): void {
    const name = `${bar.symbol} ${bar.timeframe}`;
    if ((bars.get(name)?.heard_ms ?? 0) <= bar.heard_ms) bars.set(name, bar);
  }
  void taken(client.GET("/api/v1/forming")).then((rows) => rows.forEach(keep), () => {}); // the socket tells them anyway
  onScopeDispose(onEvent((event) => event.topic === "market.forming" && void keep(event.data as unknown as Forming)));
  const fresh = (bar: Forming | undefined): Forming | null => (bar && link.now - bar.heard_ms < OLD_MS ? bar : null);
  return {
    of: (symbol: string, timeframe: string): Forming | null => fresh(bars.get(`${symbol} ${timeframe}`)),
    /** Of any length: the last price that was heard of a symbol. */
    last: (symbol: string): Forming | null => fresh([...bars.values()].filter((b) => b.symbol === symbol).sort((a, b) => b.heard_ms - a.heard_ms)[0]),
  };
}
