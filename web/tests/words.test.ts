/** Both catalogues: nothing missing, no English in the Chinese one, every term by its one name. */
import { describe, expect, it } from "vitest";
import { GLOSSARY } from "./glossary";
import { filled, type Pair } from "@/i18n/words";

const modules = import.meta.glob("../src/i18n/*.ts", { eager: true }) as Record<string, Record<string, unknown>>;
const entries: [where: string, pair: Pair][] = Object.entries(modules).flatMap(([file, exported]) =>
  Object.values(exported).filter((v): v is Record<string, Pair> => typeof v === "object" && v !== null)
    .flatMap((catalogue) => Object.entries(catalogue).map(([key, pair]) => [`${file.split("/").pop()} ${key}`, pair] as [string, Pair])),
);
const BLANKS = /\{(\w+)(?:\|[^}]*)?\}/g;
const blanks = (text: string) => [...new Set([...text.matchAll(BLANKS)].map((m) => m[1]))].sort();
/** Names and codes that are the same in both languages. */
const LATIN = new Set([
  "CSV", "UTC", "API", "K", "EN", "Telegram", "p99", "algotrader", "run", "api", "risk", "yaml", "symbol", "BTC", "side", "buy", "OIDC", "URL", "HTML",
  "JSON", "DSR", "PBO", "USDT", "bps", "TOTP", "OKX", "Ctrl", "ms", "d", "h", "s", "min", "A", "py", "SHA", "uploads", "true", "strategies", "ID", "none",
  "TradingView", "Python", "MB", "OHLC", "ES", "QR", "low", "high", "step", "param", "sweep", "sample", "lake", "live", "param",
]);

describe("catalogues", () => {
  it("hold words", () => expect(entries.length).toBeGreaterThan(150));

  it("say everything in both languages, with the same blanks", () => {
    const found = entries.filter(([, pair]) =>
      pair.length !== 2 || !pair[0].trim() || !pair[1].trim() || blanks(pair[1]).some((b) => !blanks(pair[0]).includes(b)));
    expect(found).toEqual([]);
  });

  it("hold no English in the Chinese one", () => {
    const found = entries.flatMap(([where, [, zh]]) => {
      const words = zh.replace(BLANKS, "").match(/[A-Za-z][A-Za-z0-9]*/g) ?? [];
      const strange = words.filter((w) => !LATIN.has(w));
      return strange.length ? [`${where}: ${strange.join(" ")}`] : [];
    });
    expect(found).toEqual([]);
  });

  it("hold no Chinese in the English one but the name of the language", () => {
    expect(entries.filter(([where, [en]]) => /[\u4e00-\u9fff]/.test(en) && !where.includes("other_language"))).toEqual([]);
  });

  it("call every term by its name of the glossary", () => {
    const found = entries.flatMap(([where, [en, zh]]) => {
      const plain = en.replace(BLANKS, " ").toLowerCase();
      return Object.entries(GLOSSARY)
        .filter(([term, names]) => new RegExp(`(?<![\\w-])${term}(?![\\w:-])`).test(plain) && !names.some((n) => zh.includes(n)))
        .map(([term, names]) => `${where}: ${term} is ${names.join(" or ")}, not in: ${zh}`);
    });
    expect(found).toEqual([]);
  });

  it("write Chinese as it is written", () => {
    const found = entries.filter(([, [, zh]]) =>
      /[\u4e00-\u9fff][A-Za-z0-9]|[A-Za-z0-9][\u4e00-\u9fff]|您|[\u4e00-\u9fff][,;!?]|！| %/.test(zh.replace(BLANKS, "{}")));
    expect(found).toEqual([]);
  });

  it("set nothing apart after a length of time, which ends in Chinese itself", () => {
    expect(entries.filter(([, [, zh]]) => /\{(age|length|took)\} [\u4e00-\u9fff]/.test(zh))).toEqual([]);
  });

  it("stay calm in English", () => {
    expect(entries.filter(([, [en]]) => /!|\bplease\b|\boops\b/i.test(en))).toEqual([]);
  });
});

it("no page says words of its own", () => {
  const sources = import.meta.glob("../src/**/*.vue", { eager: true, query: "?raw", import: "default" }) as Record<string, string>;
  expect(Object.keys(sources).length).toBeGreaterThan(20);
  const found = Object.entries(sources).flatMap(([file, source]) => {
    const template = /<template>([\s\S]*)<\/template>/.exec(source)?.[1] ?? "";
    const text = template.replace(/<!--[\s\S]*?-->/g, "").replace(/\{\{[\s\S]*?\}\}/g, "").replace(/"[^"]*"/g, '""').replace(/<(code|pre)>[^<]*<\/\1>/g, "");
    const said = [...text.matchAll(/>([^<>]*[A-Za-z\u4e00-\u9fff]{2,}[^<>]*)</g)].map((m) => m[1]!.trim());
    const ALLOWED = ["AlgorithmTrader", "Ctrl K", "Ctrl .", "English", "中文", "&nbsp;", "ms"];
    return said.filter((s) => !ALLOWED.some((a) => s.replaceAll("&nbsp;", "").includes(a) || s === "&nbsp;") && /[A-Za-z\u4e00-\u9fff]{2}/.test(s.replaceAll("&nbsp;", ""))).map((s) => `${file}: ${s}`);
  });
  expect(found).toEqual([]);
});

it("fills blanks, and chooses one or many", () => {
  expect(filled("{n} {n|order|orders} of {who}", { n: 1, who: "main" })).toBe("1 order of main");
  expect(filled("{n} {n|order|orders} of {who}", { n: 0, who: "main" })).toBe("0 orders of main");
});
