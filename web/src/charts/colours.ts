/** Colours of the tokens as they stand, for what draws on a canvas. */
import { watch } from "vue";
import { appearance, shown } from "@/lib/appearance";

export function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** `#rrggbb` with an opacity. */
export function faded(name: string, opacity: number): string {
  const hex = token(name);
  const [r, g, b] = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
  return `rgba(${r}, ${g}, ${b}, ${opacity})`;
}

export function onRecolour(then: () => void): void {
  watch([() => shown.theme, () => appearance.profit, () => appearance.language], then, { flush: "post" });
}
