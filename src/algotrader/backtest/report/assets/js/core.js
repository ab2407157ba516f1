// Words, numbers and small DOM helpers. Every text from data goes through textContent.
export const root = document.documentElement;
export const $ = (selector, within = document) => within.querySelector(selector);
export const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];
export const zh = () => root.lang === "zh";

export function t(key, values = {}) {
  const pair = D.words[key];
  if (!pair) throw new Error(`no words for ${key}`);
  return pair[zh() ? 1 : 0].replace(/\{(\w+)\}/g, (place, name) => values[name] ?? place);
}

export const word = (prefix, token) => D.words[`${prefix}.${token}`] ? t(`${prefix}.${token}`) : token;

export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "style") node.style.cssText = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter(child => child !== null && child !== undefined));
  return node;
}

// True minus, commas, a sign only on changes and never on zero; thin space before % in English.
export function number(value, digits = 0, signed = false) {
  if (Number.isNaN(value)) return "–";
  const text = Math.abs(value).toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  if (!/[1-9]/.test(text)) return text;
  return (value < 0 ? "−" : signed ? "+" : "") + text;
}

export const percent = (value, digits = 1, signed = false) =>
  Number.isNaN(value) ? "–" : number(value * 100, digits, signed) + (zh() ? "%" : "\u202f%");

export const money = (value, signed = false) => number(value, 2, signed);

export const headline = value => number(value, Math.abs(value) >= 10000 ? 0 : 2);

// Axes may shorten, tables never.
export function short(value, step) {
  const size = Math.abs(value);
  const [unit, by] = size >= 1e9 ? ["B", 1e9] : size >= 1e6 ? ["M", 1e6] : size >= 1e4 ? ["k", 1e3] : ["", 1];
  return number(value / by, Math.max(0, Math.min(8, Math.ceil(-Math.log10(step / by) - 1e-9)))) + unit;
}

export const price = (value, digits) => digits === undefined ? significant(value, 6) : number(value, digits);

export function significant(value, digits = 5) {
  if (!value || Number.isNaN(value)) return number(value);
  const places = Math.max(0, Math.min(12, digits - 1 - Math.floor(Math.log10(Math.abs(value)))));
  return number(value, places).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "");
}

export const isoDay = ms => new Date(ms).toISOString().slice(0, 10);
// A bar of a day or more is named by its date alone.
const named = (D.runs ? D.runs.map(run => run.id) : [D.id]).every(id => /[dw]$/.test(id.timeframe)) ? 10 : 16;
export const isoBar = ms => new Date(ms).toISOString().slice(0, named).replace("T", " ");

export function duration(seconds) {
  const minutes = Math.round(seconds / 60), days = Math.floor(minutes / 1440);
  const parts = [[days, "d"], [Math.floor(minutes % 1440 / 60), "h"], [days ? 0 : minutes % 60, "min"]];
  const shown = parts.filter(([n]) => n);
  return (shown.length ? shown : [[0, "min"]]).map(([n, unit]) => `${n} ${t("unit." + unit)}`).join(" ");
}

export const tone = value => value > 0 ? "up" : value < 0 ? "down" : "";

let colours = new Map();
export const forgetColours = () => { colours = new Map(); };
export function colour(name) {
  if (!colours.has(name)) colours.set(name, getComputedStyle(root).getPropertyValue(`--${name}`).trim());
  return colours.get(name);
}

// Last index with values[index] <= target in an ascending array; -1 before the first.
export function lastAtOrBefore(values, target) {
  let low = 0, high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] <= target) low = middle + 1; else high = middle;
  }
  return low - 1;
}

export function range(values, from = 0, to = values.length - 1) {
  let low = Infinity, high = -Infinity;
  for (let i = from; i <= to; i++) {
    if (values[i] < low) low = values[i];
    if (values[i] > high) high = values[i];
  }
  return [low, high];
}

export function download(name, text) {
  const link = el("a", { href: URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

// A cell of CSV: quoted where needed, and never read as a formula by a spreadsheet.
export function csvCell(value) {
  if (typeof value === "number") return Number.isNaN(value) ? "" : String(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
