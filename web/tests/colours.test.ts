/** The tokens: readable contrast, colours told apart by colour-blind eyes; no page has colours of its own. */
import { describe, expect, it } from "vitest";
import { readFileSync } from "node:fs";

const tokens = readFileSync("../src/algotrader/backtest/report/assets/tokens.css", "utf8");
type Rgb = [number, number, number];
const sources = import.meta.glob(["../src/**/*.vue", "../src/**/*.ts"] , { eager: true, query: "?raw", import: "default" }) as Record<string, string>;

function theme(name: "dark" | "light"): Record<string, string> {
  const block = new RegExp(`\\[data-theme="${name}"\\] \\{([^}]*)\\}`).exec(tokens)![1]!;
  return Object.fromEntries([...block.matchAll(/--([\w-]+): (#[0-9a-f]{6})/g)].map((m) => [m[1]!, m[2]!]));
}
const rgb = (hex: string): Rgb => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255) as Rgb;
const linear = (c: number) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
const luminance = (c: Rgb) => 0.2126 * linear(c[0]) + 0.7152 * linear(c[1]) + 0.0722 * linear(c[2]);
function contrast(a: string, b: string): number {
  const [x, y] = [luminance(rgb(a)), luminance(rgb(b))].sort((p, q) => q - p);
  return (x! + 0.05) / (y! + 0.05);
}
/** Machado, Oliveira and Fernandes (2009), severity 1, on linear light. */
const SIGHT = {
  protan: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  deutan: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
};
function lab(hex: string, sight: number[][]): Rgb {
  const [r, g, b] = rgb(hex).map(linear) as Rgb;
  const [x, y, z] = sight.map((row) => Math.min(1, Math.max(0, row[0]! * r + row[1]! * g + row[2]! * b))) as Rgb;
  const xyz = [(0.4124564 * x + 0.3575761 * y + 0.1804375 * z) / 0.95047, 0.2126729 * x + 0.7151522 * y + 0.072175 * z, (0.0193339 * x + 0.119192 * y + 0.9503041 * z) / 1.08883];
  const [fx, fy, fz] = xyz.map((t) => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116)) as Rgb;
  return [116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)];
}
const apart = (a: string, b: string, sight: number[][]) => Math.hypot(...lab(a, sight).map((v, i) => v - lab(b, sight)[i]!));

describe.each(["dark", "light"] as const)("the %s theme", (name) => {
  const t = theme(name);
  it.each(["ink", "ink-2", "ink-3", "act", "green", "red", "warn", "paper", "sandbox", "live"])("can be read: %s", (token) => expect(contrast(t[token]!, t.panel!)).toBeGreaterThanOrEqual(4.5));
  it.each(["edge", "warn-fill", "c1", "c2", "c3", "c4", "c5", "c6"])("shows its marks: %s", (token) => expect(contrast(t[token]!, t.panel!)).toBeGreaterThanOrEqual(3));
  it("tells profit from loss for colour-blind eyes", () => Object.values(SIGHT).forEach((s) => expect(apart(t.green!, t.red!, s)).toBeGreaterThanOrEqual(22)));
  it("tells every pair of series apart", () => {
    const series = [1, 2, 3, 4, 5, 6].map((i) => t[`c${i}`]!);
    const close = series.flatMap((a, i) => series.slice(i + 1).flatMap((b) => Object.entries(SIGHT).filter(([, s]) => apart(a, b, s) < 14).map(([who]) => `${a} ${b} ${who}`)));
    expect(close).toEqual([]);
  });
});

it("no page has a colour that is no token", () => {
  const found = Object.entries(sources).flatMap(([file, text]) => [...text.matchAll(/#[0-9a-fA-F]{3,8}\b(?![\w-]*=)/g)].filter((m) => /[0-9a-f]{3}/i.test(m[0]) && !/^#(000|main|app)$/.test(m[0])).map((m) => `${file} ${m[0]}`));
  expect(found).toEqual([]);
});
