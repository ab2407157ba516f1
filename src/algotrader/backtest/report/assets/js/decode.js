// Columns of `D`: base-128 numbers, zigzag plus one (0 is no value), differences where `d` is set.
export function column(coded) {
  const bytes = atob(coded.b), values = new Float64Array(coded.n);
  let at = 0, total = 0;
  for (let i = 0; i < coded.n; i++) {
    let code = 0, place = 1, byte;
    do {
      byte = bytes.charCodeAt(at++);
      code += (byte & 127) * place;
      place *= 128;
    } while (byte & 128);
    if (code === 0) { values[i] = NaN; continue; }
    const zigzag = code - 1, step = zigzag % 2 ? -(zigzag + 1) / 2 : zigzag / 2;
    total = coded.d ? total + step : step;
    values[i] = total / coded.k;
  }
  return values;
}

export function stamps(coded) {
  const index = coded.i ? column(coded.i) : null;
  return Float64Array.from({ length: coded.n }, (_, i) => coded.t0 + coded.dt * (index ? index[i] : i));
}

// Candles are coded against each other: open to the close before, high and low beyond the body.
export function candles(coded) {
  const scale = coded.k, close = column(coded.c);
  if (!coded.o) return { ts: stamps(coded.ts), close, open: null, high: null, low: null };
  const open = column(coded.o), high = column(coded.h), low = column(coded.l);
  for (let i = 0; i < close.length; i++) {
    open[i] += i ? close[i - 1] : 0;
    high[i] += Math.max(open[i], close[i]);
    low[i] = Math.min(open[i], close[i]) - low[i];
  }
  for (const values of [open, high, low, close]) for (let i = 0; i < values.length; i++) values[i] /= scale;
  return { ts: stamps(coded.ts), open, high, low, close };
}

export function decodeTrades(coded) {
  const names = ["quantity", "entry_price", "exit_price", "fees", "funding", "slippage", "profit", "return_", "mae", "mfe", "side", "bars", "ambiguous", "is_open"];
  const all = Object.fromEntries(names.map(name => [name, column(coded[name])]));
  const entry = column(coded.entry_s), held = column(coded.held_s), symbol = column(coded.instrument), reason = column(coded.exit_reason);
  return Array.from({ length: coded.n }, (_, i) => ({
    ...Object.fromEntries(names.map(name => [name, all[name][i]])),
    number: i + 1,
    entry: entry[i] * 1000,
    exit: (entry[i] + held[i]) * 1000,
    held: held[i],
    symbol: coded.symbols[symbol[i]],
    reason: coded.reasons[reason[i]],
  }));
}
