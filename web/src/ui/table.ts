/** What a column of a table is, and how rows are filtered, sorted and exported. Pure. */

export interface Column<Row> {
  key: string;
  head: string;
  text: (row: Row) => string; // what is read, and what is filtered by
  raw?: (row: Row) => string | number | null; // what is sorted by and exported; absent: the text
  number?: boolean;
  width: string; // of a grid track
  unit?: string; // in the head of the exported file
  tone?: (row: Row) => string;
  title?: (row: Row) => string;
}

export interface Sort {
  key: string;
  down: boolean;
}

/** The raw value, numbers as numbers, so that 9 sorts before 10. */
function rank<Row>(column: Column<Row>, row: Row): string | number | null {
  const raw = column.raw ? column.raw(row) : column.text(row);
  if (raw === null || raw === "") return null;
  return column.number ? Number(raw) : raw;
}

/** Sorted by every key in turn; what is absent comes last either way; equal rows keep their order. */
export function sorted<Row>(rows: readonly Row[], columns: readonly Column<Row>[], by: readonly Sort[]): readonly Row[] {
  const keys = by.flatMap((sort) => {
    const column = columns.find((c) => c.key === sort.key);
    return column ? [{ values: new Map(rows.map((row) => [row, rank(column, row)])), sign: sort.down ? -1 : 1 }] : [];
  });
  if (!keys.length) return rows;
  return [...rows].sort((a, b) => {
    for (const { values, sign } of keys) {
      const [x, y] = [values.get(a)!, values.get(b)!];
      if (x === y) continue;
      if (x === null) return 1;
      if (y === null) return -1;
      return (x < y ? -1 : 1) * sign;
    }
    return 0;
  });
}

const WORD = /^(\w+)(:|>|<)(.+)$/;

/** Rows that every word fits: `btc`, `symbol:BTC`, `price>100`. Unknown fields are plain words. */
export function filtered<Row>(rows: readonly Row[], columns: readonly Column<Row>[], wish: string): readonly Row[] {
  const tests = wish.trim().toLowerCase().split(/\s+/).filter(Boolean).map((word) => test(word, columns));
  return tests.length ? rows.filter((row) => tests.every((fits) => fits(row))) : rows;
}

function test<Row>(word: string, columns: readonly Column<Row>[]): (row: Row) => boolean {
  const [, field, sign, value = ""] = WORD.exec(word) ?? [];
  const column = field ? columns.find((c) => c.key === field) : undefined;
  if (!column) return (row) => columns.some((c) => c.text(row).toLowerCase().includes(word));
  if (sign === ":") {
    return (row) => column.text(row).toLowerCase().includes(value) || String(column.raw?.(row) ?? "").toLowerCase().includes(value);
  }
  return (row) => {
    const raw = Number(column.raw ? column.raw(row) : column.text(row).replaceAll(",", ""));
    return sign === ">" ? raw > Number(value) : raw < Number(value);
  };
}

/** Raw values with units in the head; times are UTC. A cell that a spreadsheet would run is disarmed. */
export function csv<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
  const head = columns.map((c) => quoted(c.unit ? `${c.key} (${c.unit})` : c.key));
  const lines = rows.map((row) => columns.map((c) => quoted(String((c.raw ? c.raw(row) : c.text(row)) ?? ""))).join(","));
  return [head.join(","), ...lines].join("\r\n") + "\r\n";
}

const RUNS = /^[=+\-@\t\r\n＝＋－＠]/;
const NUMBER = /^-?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i; // a minus before anything else begins a formula

function quoted(text: string): string {
  const safe = RUNS.test(text) && !NUMBER.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
