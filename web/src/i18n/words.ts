/**
 * Words in both languages, written side by side so that neither can be forgotten.
 *
 * `{name}` is filled in; `{name|one|many}` chooses by number in English.
 */
import { appearance } from "@/lib/appearance";

export type Pair = readonly [en: string, zh: string];
export type Catalogue = Readonly<Record<string, Pair>>;
export type Fill = Readonly<Record<string, string | number>>;

const BLANK = /\{(\w+)(?:\|([^|}]*)\|([^}]*))?\}/g;

export function filled(text: string, fill: Fill): string {
  return text.replace(BLANK, (_, name: string, one?: string, many?: string) => {
    const value = fill[name];
    if (one !== undefined && many !== undefined) return Number(value) === 1 ? one : many;
    return String(value);
  });
}

/** A function that says the words of `catalogue` in the language chosen. */
export function words<C extends Catalogue>(catalogue: C) {
  return (key: keyof C & string, fill: Fill = {}): string => {
    const pair = catalogue[key] as Pair;
    return filled(pair[appearance.language === "zh" ? 1 : 0], fill);
  };
}

/** As `words`, for keys that come from the engine: an unknown one is shown as it is. */
export function tokens<C extends Catalogue>(catalogue: C) {
  return (token: string): string => {
    const pair = catalogue[token];
    return pair ? pair[appearance.language === "zh" ? 1 : 0] : token;
  };
}
