/**
 * What the engine and the API say in English, told in the language chosen.
 *
 * Events and errors are written in English and stay so; here a known sentence becomes Chinese with
 * the same figures in it. A sentence is known by its template: `{name}` stands for one word or
 * number, `{name:s}` for any text, `{name:t}` for what is itself told, `{name:r}` for a rule.
 * What is not known whole is shown as it was written, never half of it.
 */
import { shallowRef, watch } from "vue";
import { limitName } from "@/i18n/limits";
import { appearance } from "@/lib/appearance";

export type Templates = Readonly<Record<string, string>>;
export interface Books { sentences: Templates; phrases: Templates; settings: Templates; parameters: Templates }

interface Pattern { shape: RegExp; holes: [name: string, kind: string][]; zh: string; weight: number }
type Shipped = { name: string; origin: string };
type Known = Books & { sentence: Told; part: Told };
type Told = (text: string) => string | null;

const MOST_KNOWN = 5_000;
const HOLE = /\{(\w+)(?::([str]))?\}/g;
const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** One way to read a template; a text that fits several is read by the one that says the most. */
function pattern(en: string, zh: string): Pattern {
  const holes: Pattern["holes"] = [];
  let shape = "", at = 0;
  for (const hole of en.matchAll(HOLE)) {
    shape += escaped(en.slice(at, hole.index)) + (hole[2] === undefined ? "(\\S+?)" : "([^]+?)");
    holes.push([hole[1]!, hole[2] ?? ""]);
    at = hole.index + hole[0].length;
  }
  return { shape: new RegExp(`^${shape}${escaped(en.slice(at))}$`), holes, zh, weight: en.replace(HOLE, "").length };
}

function reader(templates: Templates): (text: string, inner: Told) => string | null {
  const patterns = Object.entries(templates).filter(([en]) => en.includes("{")).map(([en, zh]) => pattern(en, zh)).sort((a, b) => b.weight - a.weight);
  return (text, inner) => {
    if (Object.hasOwn(templates, text)) return templates[text]!;
    for (const one of patterns) {
      const found = one.shape.exec(text);
      if (!found) continue;
      const values = new Map<string, string | null>(one.holes.map(([name, kind], place) => {
        const value = found[place + 1]!;
        return [name, kind === "t" ? inner(value) : kind === "r" ? limitName(value) : value];
      }));
      if ([...values.values()].every((value) => value !== null)) return put(one.zh, values);
    }
    return null;
  };
}

/** Two pieces side by side: a space between Chinese and what is Latin or a digit, else none. */
function joined(before: string, after: string): string {
  if (/[\u4e00-\u9fff] $/.test(before) && /^[\u4e00-\u9fff]/.test(after)) return before.slice(0, -1) + after;
  if (/[\u4e00-\u9fff]$/.test(before) && /^ [\u4e00-\u9fff]/.test(after)) return before + after.slice(1);
  const apart = /[\u4e00-\u9fff]$/.test(before) ? /^[A-Za-z0-9+-]/.test(after) : /[A-Za-z0-9]$/.test(before) && /^[\u4e00-\u9fff]/.test(after);
  return before + (apart ? " " : "") + after;
}

/** The template with its values; what is put in is not touched, only the space around it. */
function put(zh: string, values: ReadonlyMap<string, string | null>): string {
  let text = "", at = 0;
  for (const hole of zh.matchAll(HOLE)) {
    text = joined(joined(text, zh.slice(at, hole.index)), values.get(hole[1]!) ?? hole[0]);
    at = hole.index + hole[0].length;
  }
  return joined(text, zh.slice(at));
}

export function teller(books: Books): { sentence: Told; part: Told } {
  const sentences = reader(books.sentences), phrases = reader(books.phrases);
  const known = new Map<string, string | null>();
  const part: Told = (text) => sentences(text, part) ?? phrases(text, part) ?? (/\s/.test(text) ? null : text);
  const one: Told = (text) => {
    if (!known.has(text)) {
      if (known.size >= MOST_KNOWN) known.clear(); // a page may stay open for weeks
      known.set(text, sentences(text, part));
    }
    return known.get(text)!;
  };
  const several: Told = (text) => {
    const parts = text.split("; ").map(one);
    return parts.length > 1 && parts.every((zh) => zh !== null) ? parts.join("；") : null;
  };
  return { sentence: (text) => one(text) ?? several(text), part };
}

const books = shallowRef<Known | null>(null);

async function fetched(): Promise<void> {
  const { books: read } = await import("@/i18n/told/books");
  books.value ??= { ...read, ...teller(read) };
}

watch(() => appearance.language, (language) => { if (language === "zh") void fetched(); }, { immediate: true });

const chinese = (): Known | null => (appearance.language === "zh" ? books.value : null);

/** A sentence of the engine or the API; it is shown as it was written until the catalogue is here. */
export const told = (text: string | null | undefined): string => (text ? (chinese()?.sentence(text) ?? text) : "");

/** A part of a sentence, as `account main`. */
export const toldPart = (text: string): string => chinese()?.part(text) ?? text;

/** What a setting means, by the words of its declaration. */
export const settingMeaning = (description: string): string => chinese()?.settings[description] ?? description;

/** What a parameter of a strategy that ships means; a strategy of one's own keeps what it says. */
export const parameterHelp = (strategy: Shipped | undefined, parameter: { name: string; help: string }): string =>
  (strategy?.origin === "library" ? chinese()?.parameters[`${strategy.name}.${parameter.name}: ${parameter.help}`] : undefined) ?? parameter.help;

/** What a strategy is about, by the same rule. */
export const strategyAbout = (strategy: Shipped & { about: string }): string =>
  (strategy.origin === "library" ? chinese()?.parameters[`${strategy.name}: ${strategy.about}`] : undefined) ?? strategy.about;
