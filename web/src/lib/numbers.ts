/** Numbers and times as people read them: true minus, thousands by comma, one precision a column. */
import { appearance } from "@/lib/appearance";

export const ABSENT = "–";
const THIN = "\u202f";
const FIGURE = "\u2007"; // as wide as a digit
const POINT = "\u2008"; // as wide as a point

type Number_ = number | string | null | undefined;

function grouped(whole: string): string {
  return whole.replace(/\B(?=(\d{3})+$)/g, ",");
}

/** `value` with so many decimals. Decimal text keeps its digits: it never passes through a float. */
export function fixed(value: Number_, decimals: number, signed = false): string {
  if (value === null || value === undefined || value === "") return ABSENT;
  const text = rounded(value, decimals);
  const negative = text.startsWith("-") && /[1-9]/.test(text);
  const [whole = "0", rest] = text.replace(/^-/, "").split(".");
  const sign = negative ? "−" : signed && /[1-9]/.test(text) ? "+" : "";
  return sign + grouped(whole) + (rest ? "." + rest : "");
}

/** Half away from zero, exactly, on plain decimal text; exponents and floats by way of `toFixed`. */
function rounded(value: number | string, decimals: number): string {
  const plain = /^(-?)(\d+)(?:\.(\d*))?$/.exec(String(value));
  if (!plain) return Number(value).toFixed(decimals);
  const [, sign = "", whole = "0", fraction = ""] = plain;
  const digits = whole + fraction.slice(0, decimals).padEnd(decimals, "0");
  const up = (fraction[decimals] ?? "0") >= "5" ? 1n : 0n;
  const all = (BigInt(digits) + up).toString().padStart(decimals + 1, "0");
  const point = all.length - decimals;
  return sign + all.slice(0, point) + (decimals ? "." + all.slice(point) : "");
}

export const money = (value: Number_): string => fixed(value, 2);
export const profit = (value: Number_): string => fixed(value, 2, true);

/** A headline amount: no decimals from 10,000 on. */
export function headline(value: Number_): string {
  return fixed(value, Math.abs(Number(value)) >= 10_000 ? 0 : 2);
}

/** A fraction as percent: `12.3 %`, in Chinese `12.3%`. */
export function percent(fraction: Number_, decimals = 1, signed = false): string {
  if (fraction === null || fraction === undefined || fraction === "") return ABSENT;
  const text = fixed(Number(fraction) * 100, decimals, signed);
  return appearance.language === "zh" ? `${text}%` : `${text}${THIN}%`;
}

/** A fee in a coin has its own digits: two decimals would say that it was nothing. */
export function fee(value: Number_): string {
  const size = Math.abs(Number(value));
  return size > 0 && size < 1 && Math.abs(size - Number(size.toFixed(2))) > size / 100 ? plainNumber(String(value)) : money(value);
}

export const ratio = (value: Number_): string => fixed(value, 2);
export const leverage = (value: Number_): string =>
  value === null || value === undefined ? ABSENT : `${fixed(value, 2)}×`;

/** All digits of a decimal text, without powers of ten and zeros at the end: `1E-8` is 0.00000001. */
export function exactly(text: string): string {
  const power = /^(-?)(\d+)(?:\.(\d*))?e([+-]?\d+)$/i.exec(text);
  let plain = text;
  if (power) {
    const [, sign = "", whole = "0", fraction = "", exponent = "0"] = power;
    const digits = whole + fraction;
    const point = whole.length + Number(exponent);
    const padded = point > 0 ? digits.padEnd(point, "0") : "0".repeat(1 - point) + digits;
    const at = Math.max(point, 1);
    plain = `${sign}${padded.slice(0, at)}.${padded.slice(at)}`;
  }
  return plain.includes(".") ? plain.replace(/0+$/, "").replace(/\.$/, "") : plain;
}

const GROUPED = /^\d{1,3}(,\d{3})+(\.\d+)?$/;

/** A typed number without commas between thousands. Another comma may stand for a point: nobody guesses. */
export function ungrouped(text: string): string {
  const typed = text.trim();
  return GROUPED.test(typed) ? typed.replaceAll(",", "") : typed;
}

/** Decimals that `text` needs, at most so many that `significant` digits are shown. */
export function decimalsOf(given: string | null | undefined, significant = 6): number {
  if (!given) return 0;
  const text = exactly(given);
  const value = Math.abs(Number(text));
  if (!Number.isFinite(value)) return 0;
  const whole = value >= 1 ? Math.floor(Math.log10(value)) + 1 : value > 0 ? Math.ceil(Math.log10(value)) : 1;
  const fraction = /\.(\d*?)0*$/.exec(text)?.[1] ?? "";
  return Math.max(0, Math.min(fraction.length, significant - whole, 10));
}

/** A price or quantity whose instrument's steps are not known: its own digits, six at most. */
export function plainNumber(text: string | null | undefined, decimals = decimalsOf(text)): string {
  return fixed(text, decimals);
}

/** Room on the right so that decimal points of a column stand under each other. */
export function aligned(text: string, decimals: number): string {
  if (text === ABSENT || decimals === 0) return text;
  const at = text.indexOf(".");
  const has = at < 0 ? 0 : text.length - at - 1;
  return text + (at < 0 ? POINT : "") + FIGURE.repeat(Math.max(0, decimals - has));
}

const parts = new Map<string, Intl.DateTimeFormat>();

function formatter(zone: string): Intl.DateTimeFormat {
  let found = parts.get(zone);
  if (!found) {
    found = new Intl.DateTimeFormat("en-CA", {
      timeZone: zone || undefined,
      year: "numeric", month: "2-digit", day: "2-digit",
      hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
    });
    parts.set(zone, found);
  }
  return found;
}

function iso(ms: number, zone: string): [date: string, time: string] {
  const found = Object.fromEntries(formatter(zone).formatToParts(ms).map((p) => [p.type, p.value]));
  return [`${found.year}-${found.month}-${found.day}`, `${found.hour}:${found.minute}:${found.second}`];
}

/** In the person's zone; today drops the date. */
export function time(ms: number | null | undefined, seconds = false): string {
  if (ms === null || ms === undefined) return ABSENT;
  const [date, clock] = iso(ms, appearance.zone);
  const [today] = iso(Date.now(), appearance.zone);
  const short = seconds ? clock : clock.slice(0, 5);
  return date === today ? short : `${date} ${short}`;
}

export const day = (ms: number): string => iso(ms, appearance.zone)[0];
export const utc = (ms: number): string => iso(ms, "UTC").join(" ") + " UTC";

/** The zone as it stands in the status bar. */
export function zoneName(): string {
  const minutes = appearance.zone
    ? offsetMinutes(appearance.zone)
    : -new Date().getTimezoneOffset();
  if (minutes === 0) return "UTC";
  const sign = minutes > 0 ? "+" : "−";
  const size = Math.abs(minutes);
  const rest = size % 60 ? `:${String(size % 60).padStart(2, "0")}` : "";
  return `UTC${sign}${Math.floor(size / 60)}${rest}`;
}

function offsetMinutes(zone: string, at = Date.now()): number {
  const now = Math.floor(at / 60_000) * 60_000;
  const [date, clock] = iso(now, zone);
  return Math.round((Date.parse(`${date}T${clock}Z`) - now) / 60_000);
}

/** The instant that `2026-11-21T14:05` is in the zone in which times are shown; NaN for what is no time. */
export function instantOf(local: string): number {
  if (!appearance.zone) return Date.parse(local);
  const about = Date.parse(`${local}Z`);
  if (!Number.isFinite(about)) return NaN;
  const first = about - offsetMinutes(appearance.zone, about) * 60_000;
  return about - offsetMinutes(appearance.zone, first) * 60_000; // where the clock is changed in between
}

const UNITS = [
  [86_400_000, "d", "天"], [3_600_000, "h", "小时"], [60_000, "min", "分"], [1_000, "s", "秒"],
] as const;

/** The two largest units: `2 d 4 h`, `2 天 4 小时`. */
export function duration(ms: number): string {
  const zh = appearance.language === "zh";
  const size = Math.max(0, ms);
  if (size < 1000) return `${Math.round(size)} ${zh ? "毫秒" : "ms"}`;
  const first = UNITS.findIndex(([unit]) => size >= unit);
  const said: string[] = [];
  let left = size;
  for (const [unit, en, cn] of UNITS.slice(first, first + 2)) {
    const count = Math.floor(left / unit);
    left -= count * unit;
    if (count) said.push(`${count} ${zh ? cn : en}`);
  }
  return said.join(" ");
}

/** The largest unit alone, where there is little room. */
export const briefly = (ms: number): string => duration(ms).split(" ").slice(0, 2).join(" ");

export function age(ms: number | null | undefined, now = Date.now()): string {
  return ms === null || ms === undefined ? ABSENT : duration(now - ms);
}
