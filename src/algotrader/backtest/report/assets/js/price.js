// Candles with features, entries and exits, and the mover of its window.
import { $, colour, el, isoDay, isoBar, lastAtOrBefore, number, percent, price, range, significant, t, tone } from "./core.js";
import { AXIS, FOOT, begin, horizontal, tag, ticks, timeAxis, timeTicks, trace, valueAxis, vertical } from "./axis.js";
import { column, candles } from "./decode.js";
import { clampView, zoomable } from "./zoom.js";

const PANE = 72;
const SERIES = [["c1", []], ["c3", [6, 3]], ["c5", [2, 3]], ["c6", [8, 3, 2, 3]]];
const MARK_ROOM = 9; // pixels of plot for each trade; below, only the joining lines are drawn

export class PriceChart {
  constructor(canvas, mover, prices, trades, timeframe) {
    Object.assign(this, { canvas, mover, prices, trades, timeframe, hover: null, hoverY: null, drag: null, chosen: null });
    zoomable(this);
    this.show(this.latest());
    this.listenMover();
  }

  // The instrument traded last is shown first: at least one trade is in sight.
  latest() {
    const last = this.trades.reduce((a, b) => b.exit > a.exit ? b : a, { exit: -Infinity });
    const which = Math.max(0, this.prices.findIndex(p => p.symbol === last.symbol));
    const picker = $("#price-symbol");
    if (picker) picker.value = String(which);
    return which;
  }

  // Slots are places of candles on the axis: with gaps where the market never closes, without where it does.
  show(which) {
    const coded = this.prices[which], bars = candles(coded), { ts } = bars;
    const step = coded.ts.dt, steps = (ts.at(-1) - ts[0]) / step + 1;
    const even = steps <= ts.length * 1.1;
    Object.assign(this, bars, { coded, digits: coded.digits, step });
    this.slots = Float64Array.from(ts, (ms, i) => even ? (ms - ts[0]) / step : i);
    const styled = coded.features.map((f, i) => ({ name: f.name, on: f.on_price, v: column(f.v), colour: SERIES[i % 4][0], dash: SERIES[i % 4][1] }));
    this.overlays = styled.filter(f => f.on);
    this.panes = styled.filter(f => !f.on).slice(0, 2);
    this.canvas.style.height = `${380 + PANE * this.panes.length}px`;
    this.own = this.trades.filter(trade => trade.symbol === coded.symbol).map(trade => ({ ...trade, a: this.candleAt(trade.entry), b: this.candleAt(trade.exit) }));
    this.first = this.slots[0] - 0.5;
    this.last = this.slots.at(-1) + 0.5;
    this.least = Math.min(12, this.slots.length);
    const size = Math.min(Math.max(60, this.canvas.clientWidth / 6.5), this.slots.length);
    const ended = Math.max(...this.own.map(trade => this.slots[trade.b])) + size / 4; // -Infinity without a trade
    const end = ended > this.last - size ? this.last : Math.max(ended, this.first + size);
    clampView(this, end - size, end);
  }

  candleAt(ms) { return Math.max(0, lastAtOrBefore(this.ts, ms)); }

  focusTrade(trade) {
    const which = this.prices.findIndex(p => p.symbol === trade.symbol);
    if (which < 0) return false;
    if (this.prices[which] !== this.coded) {
      const picker = $("#price-symbol");
      if (picker) picker.value = String(which);
      this.show(which);
    }
    this.chosen = trade.number;
    const a = this.slots[this.candleAt(trade.entry)], b = this.slots[this.candleAt(trade.exit)], size = Math.max(90, (b - a) * 1.6);
    clampView(this, (a + b - size) / 2, (a + b + size) / 2);
    return true;
  }

  draw() {
    const { g, width, height, plot } = begin(this.canvas), [from, to] = this.view;
    if (width < 80) return;
    const bottom = height - FOOT, below = this.panes.length * PANE, floor = bottom - below;
    const x = slot => (slot - from) / (to - from) * plot;
    Object.assign(this, { plot, at: px => from + px / plot * (to - from) });
    const a = Math.max(0, lastAtOrBefore(this.slots, from)), b = Math.min(this.slots.length - 1, lastAtOrBefore(this.slots, to) + 1);
    const timeX = ms => { const i = this.candleAt(ms); return x(this.slots[i] + (ms - this.ts[i] < this.step ? (ms - this.ts[i]) / this.step : 0)); };
    timeAxis(g, timeTicks(this.ts[a], this.ts[b], plot).filter(([ms]) => ms >= this.ts[a]), timeX, plot, bottom, bottom + 12);
    let [low, high] = [range(this.low ?? this.close, a, b)[0], range(this.high ?? this.close, a, b)[1]];
    for (const f of this.overlays) { const r = range(f.v, a, b); if (r[0] > low * 0.8 && r[1] < high * 1.25) { low = Math.min(low, r[0]); high = Math.max(high, r[1]); } }
    const margin = (high - low) * 0.07 || high * 0.01, y = v => 6 + (high + margin - v) / (high - low + 2 * margin) * (floor - 12);
    const seen = Math.min(b, lastAtOrBefore(this.slots, to)), end = y(this.close[seen]);
    valueAxis(g, ticks(low - margin, high + margin, 7), y, plot, v => price(v, this.digits > 2 ? this.digits : undefined), [end]);
    g.save(); g.beginPath(); g.rect(0, 0, plot, floor); g.clip();
    if (this.open) this.drawCandles(g, x, y, a, b, plot / (to - from)); else this.drawCloses(g, x, y, a, b);
    for (const f of this.overlays) {
      g.strokeStyle = colour(f.colour); g.lineWidth = 1.25; g.setLineDash(f.dash);
      trace(g, this.slots, f.v, a, b, x, y);
    }
    g.setLineDash([]); g.lineWidth = 1;
    this.drawTrades(g, x, y, a, b);
    g.restore();
    this.panes.forEach((pane, i) => this.drawPane(g, pane, x, a, b, floor + i * PANE, plot));
    g.strokeStyle = colour("line-2");
    horizontal(g, 0, width, bottom); vertical(g, plot, 0, bottom);
    const rising = this.open ? this.close[seen] >= this.open[seen] : this.close[seen] >= this.close[Math.max(0, seen - 1)];
    tag(g, plot, end, price(this.close[seen], this.digits), colour(rising ? "up" : "down"), colour("bg"));
    this.drawPointer(g, x, y, bottom, floor, plot, [low - margin, high + margin]);
    this.write(seen);
    this.drawMover();
  }

  drawCandles(g, x, y, a, b, slot) {
    const body = Math.max(1, Math.min(13, Math.floor(slot * 0.68)));
    for (let i = a; i <= b; i++) {
      const rising = this.close[i] >= this.open[i], centre = Math.round(x(this.slots[i])) + 0.5, top = y(Math.max(this.open[i], this.close[i])), foot = y(Math.min(this.open[i], this.close[i]));
      g.strokeStyle = g.fillStyle = colour(rising ? "up" : "down");
      if (body < 3) { g.beginPath(); g.moveTo(centre, y(this.high[i])); g.lineTo(centre, y(this.low[i]) + 1); g.stroke(); continue; }
      g.beginPath(); g.moveTo(centre, y(this.high[i])); g.lineTo(centre, top); g.moveTo(centre, foot); g.lineTo(centre, y(this.low[i])); g.stroke();
      const left = Math.round(centre - body / 2) + 0.5, upper = Math.round(top) + 0.5, tall = Math.max(1, Math.round(foot - top));
      if (rising) g.strokeRect(left, upper, body - 1, tall); else g.fillRect(left - 0.5, upper - 0.5, body, tall);
    }
  }

  drawCloses(g, x, y, a, b) {
    g.strokeStyle = colour("ink-2"); g.lineWidth = 1.25;
    trace(g, this.slots, this.close, a, b, x, y);
    g.lineWidth = 1;
  }

  // Entry and exit joined in the profit colour; a fill whose path was guessed is an amber diamond.
  drawTrades(g, x, y, a, b) {
    const shown = this.own.filter(trade => trade.b >= a && trade.a <= b), few = shown.length * MARK_ROOM <= this.plot;
    this.shown = shown.length;
    for (const trade of shown) {
      const on = trade.number === this.chosen, xa = x(this.slots[trade.a]), xb = x(this.slots[trade.b]), ya = y(trade.entry_price), yb = y(trade.exit_price);
      g.strokeStyle = colour(trade.profit >= 0 ? "up" : "down"); g.lineWidth = on ? 2.5 : 1.25; g.setLineDash(on ? [] : [4, 2]);
      g.beginPath(); g.moveTo(xa, ya); g.lineTo(xb, yb); g.stroke(); g.setLineDash([]); g.lineWidth = 1;
      if (!few && !on) continue;
      const long = trade.side > 0, edge = this.open ? (long ? Math.min(trade.entry_price, this.low[trade.a]) : Math.max(trade.entry_price, this.high[trade.a])) : trade.entry_price;
      triangle(g, xa, y(edge) + (long ? 4 : -4), long, on ? 7 : 5);
      if (!trade.is_open) (trade.ambiguous ? diamond : cross)(g, xb, yb, on ? 6 : 4);
    }
  }

  drawPane(g, pane, x, a, b, top, plot) {
    const [low, high] = range(pane.v, a, b), margin = (high - low) * 0.1 || 1, y = v => top + 8 + (high + margin - v) / (high - low + 2 * margin) * (PANE - 14);
    g.strokeStyle = colour("line-2"); horizontal(g, 0, plot, top);
    if (!Number.isFinite(low)) return;
    valueAxis(g, ticks(low, high, 2), y, plot);
    g.save(); g.beginPath(); g.rect(0, top, plot, PANE); g.clip();
    g.strokeStyle = colour(pane.colour); g.lineWidth = 1.25; trace(g, this.slots, pane.v, a, b, x, y); g.lineWidth = 1; g.restore();
    g.fillStyle = colour("ink-3"); g.textAlign = "left"; g.fillText(pane.name, 0, top + 10);
  }

  drawPointer(g, x, y, bottom, floor, plot, [low, high]) {
    if (this.drag) {
      const [p, q] = this.drag.map(x);
      g.fillStyle = colour("act"); g.globalAlpha = 0.16; g.fillRect(Math.min(p, q), 0, Math.abs(q - p), bottom); g.globalAlpha = 1;
    }
    if (this.hover === null) return;
    g.strokeStyle = colour("ink-3"); g.setLineDash([3, 3]);
    vertical(g, x(this.slots[this.hoverCandle()]), 0, bottom);
    if (this.hoverY !== null && this.hoverY < floor) {
      horizontal(g, 0, plot, this.hoverY); g.setLineDash([]);
      const value = high - (this.hoverY - 6) / (floor - 12) * (high - low);
      tag(g, plot, this.hoverY, price(value, this.digits), colour("line-2"), colour("ink"));
    }
    g.setLineDash([]);
  }

  hoverCandle() { return Math.max(0, Math.min(this.slots.length - 1, lastAtOrBefore(this.slots, this.hover + 0.5))); }

  write(seen) {
    const i = this.hover === null ? seen : this.hoverCandle(), say = value => el("b", {}, price(value, this.digits));
    const before = i ? this.close[i - 1] : this.close[i], change = this.close[i] / (this.open ? this.open[i] : before) - 1;
    const parts = [el("b", {}, `${isoBar(this.ts[i])} UTC`)];
    if (this.open) for (const name of ["open", "high", "low"]) parts.push(el("i", {}, `${t(name[0])} `, say(this[name][i])));
    parts.push(el("i", {}, `${t("c")} `, say(this.close[i])), el("i", { class: tone(change) }, percent(change, 2, true)));
    for (const f of [...this.overlays, ...this.panes]) {
      const swatch = el("span", { class: "sw", style: `border-color:var(--${f.colour});border-top-style:${f.dash.length ? "dashed" : "solid"}` });
      parts.push(el("i", {}, swatch, `${f.name} `, el("b", {}, significant(f.v[i]))));
    }
    const mark = (glyph, kind, text) => el("span", {}, el("span", { class: kind }, glyph), ` ${text} `);
    parts.push(el("i", { class: "marks" }, mark("▲", "long", t("long")), mark("▼", "short", t("short")), mark("×", "", t("exit")), mark("◇", "warn", t("guessed"))));
    if (this.coded.merged > 1) parts.push(el("i", { class: "dim" }, t("merged", { from: this.timeframe, to: merged(this.timeframe, this.coded.merged) })));
    $(`#${this.canvas.id}-read`).replaceChildren(...parts);
    const from = Math.max(0, lastAtOrBefore(this.slots, this.view[0]) + 1), [low, high] = range(this.close, from, seen);
    $(`#${this.canvas.id}-summary`).textContent = t("summary.price", { first: price(this.close[from], this.digits), last: price(this.close[seen], this.digits), low: price(low, this.digits), high: price(high, this.digits), n: number(this.shown) });
    this.mover.setAttribute("aria-valuetext", t("summary.window", { from: isoDay(this.ts[from]), to: isoDay(this.ts[seen]) }));
    this.mover.setAttribute("aria-valuenow", String(from));
    this.mover.setAttribute("aria-valuemax", String(this.slots.length - 1));
  }

  // Rows for `Show as table`: the candles of the window, at most two hundred.
  rows() {
    const from = Math.max(0, lastAtOrBefore(this.slots, this.view[0]) + 1), to = lastAtOrBefore(this.slots, this.view[1]), say = value => price(value, this.digits);
    const names = this.open ? ["open", "high", "low", "close"] : ["close"], features = [...this.overlays, ...this.panes], body = [];
    for (let i = Math.max(from, to - 199); i <= to; i++) body.push([isoBar(this.ts[i]), ...names.map(name => say(this[name][i])), ...features.map(f => significant(f.v[i]))]);
    return { head: [t("time"), ...names.map(name => t(name[0])), ...features.map(f => f.name)], body, of: to - from + 1 };
  }

  drawMover() {
    const { g, height, plot } = begin(this.mover), whole = this.last - this.first, x = slot => (slot - this.first) / whole * plot;
    const [low, high] = range(this.close), y = v => height - 5 - (v - low) / (high - low || 1) * (height - 10);
    g.strokeStyle = colour("ink-3"); trace(g, this.slots, this.close, 0, this.slots.length - 1, x, y);
    const [a, b] = this.view.map(x), wide = Math.max(4, b - a);
    g.fillStyle = colour("act"); g.globalAlpha = 0.18; g.fillRect(a, 0, wide, height); g.globalAlpha = 1;
    g.strokeStyle = colour("act"); vertical(g, a, 0, height); vertical(g, a + wide - 1, 0, height);
    g.strokeStyle = colour("line"); horizontal(g, 0, plot, 0); horizontal(g, 0, plot, height - 1);
  }

  listenMover() {
    const { mover } = this;
    const move = event => {
      const size = this.view[1] - this.view[0], middle = this.first + Math.min(1, Math.max(0, event.offsetX / (mover.clientWidth - AXIS))) * (this.last - this.first);
      clampView(this, middle - size / 2, middle + size / 2);
    };
    mover.addEventListener("pointerdown", event => { mover.setPointerCapture(event.pointerId); move(event); });
    mover.addEventListener("pointermove", event => { if (event.buttons & 1) move(event); });
    mover.addEventListener("keydown", event => {
      const [from, to] = this.view, size = to - from, by = { ArrowLeft: -size / 4, ArrowRight: size / 4, PageDown: size, PageUp: -size, Home: -1e12, End: 1e12 }[event.key];
      if (by === undefined) return;
      event.preventDefault();
      clampView(this, from + by, to + by);
    });
  }
}

function merged(timeframe, factor) {
  const count = parseInt(timeframe, 10) * factor, unit = timeframe.slice(-1);
  const larger = { m: [60, "h"], h: [24, "d"], d: [7, "w"] }[unit];
  return larger && count % larger[0] === 0 ? `${count / larger[0]}${larger[1]}` : `${count}${unit}`;
}

function triangle(g, x, y, up, size) {
  const tall = (up ? 1 : -1) * size * 1.8;
  g.fillStyle = colour(up ? "c4" : "c2"); g.strokeStyle = colour("panel");
  g.beginPath(); g.moveTo(x, y); g.lineTo(x - size, y + tall); g.lineTo(x + size, y + tall); g.closePath(); g.fill(); g.stroke();
}

function diamond(g, x, y, size) {
  g.strokeStyle = colour("warn"); g.lineWidth = 1.75;
  g.beginPath(); g.moveTo(x, y - size); g.lineTo(x + size, y); g.lineTo(x, y + size); g.lineTo(x - size, y); g.closePath(); g.stroke(); g.lineWidth = 1;
}

function cross(g, x, y, size) {
  const s = size - 0.5;
  g.strokeStyle = colour("ink"); g.lineWidth = 1.75;
  g.beginPath(); g.moveTo(x - s, y - s); g.lineTo(x + s, y + s); g.moveTo(x + s, y - s); g.lineTo(x - s, y + s); g.stroke(); g.lineWidth = 1;
}
