/** Each instrument's own precision, for every table and chart. */
import { computed } from "vue";
import type { Shapes } from "@/api/client";
import { useDesk } from "@/lib/desk";
import { aligned, fixed, plainNumber } from "@/lib/numbers";

type Instrument = Pick<Shapes["InstrumentRow"], "symbol" | "price_digits" | "quantity_digits" | "lot" | "mark" | "kind">;
type Value = number | string | null | undefined;

const SIGNIFICANT = 6;

const known = computed(() => new Map((useDesk().instruments.data.value ?? []).map((one) => [one.symbol, one])));

/** Digits after the point of a value that has six that matter. */
function sixOf(value: number): number {
  const whole = Math.abs(value) >= 1 ? Math.floor(Math.log10(Math.abs(value))) + 1 : value === 0 ? 1 : Math.ceil(Math.log10(Math.abs(value)));
  return Math.max(0, Math.min(SIGNIFICANT - whole, 10));
}

/** As the tick has them. Without a tick: cents of a share from 1 on, else six digits that matter. */
export function priceDigitsOf(instrument: Instrument | undefined, value?: Value): number | null {
  if (instrument?.price_digits != null) return instrument.price_digits;
  const about = Number(instrument?.mark ?? value ?? NaN);
  if (!Number.isFinite(about)) return null;
  return instrument?.kind === "equity" && Math.abs(about) >= 1 ? 2 : sixOf(about);
}

export function priceDigits(symbol: string, value?: Value): number | null {
  return priceDigitsOf(known.value.get(symbol), value);
}

export function price(symbol: string, value: Value): string {
  const digits = priceDigits(symbol, value);
  return digits === null ? plainNumber(value == null ? null : String(value)) : fixed(value, digits);
}

/** As the lot has them; of an instrument whose lot is not known its own digits. */
export function quantity(symbol: string, value: Value, signed = false): string {
  const instrument = known.value.get(symbol);
  if (!instrument || Number(instrument.lot) === 0) return plainNumber(value == null ? null : String(value));
  return fixed(value, instrument.quantity_digits, signed);
}

/** What follows the venue: `OKX:BTC/USDT` is `BTC/USDT` where the venue is plain. */
export const codeOf = (symbol: string): string => symbol.slice(symbol.indexOf(":") + 1);

const places = (text: string): number => (text.includes(".") ? text.length - text.indexOf(".") - 1 : 0);

/** Texts of a column whose decimal points stand under each other; each instrument has one precision. */
export function pointed<Row extends { instrument: string }>(rows: readonly Row[], text: (row: Row) => string): (row: Row) => string {
  const seen = new Map<string, number>();
  for (const row of rows) {
    if (!seen.get(row.instrument)) seen.set(row.instrument, places(text(row)));
  }
  const most = Math.max(0, ...seen.values());
  return (row) => aligned(text(row), most);
}
