// Equity lines over drawdown and exposure: one time axis, one crosshair, drag to zoom.
import { $, $$, colour, el, headline, isoBar, lastAtOrBefore, number, percent, range, short, t, tone } from "./core.js";
import { FOOT, begin, horizontal, tag, ticks, timeAxis, timeTicks, trace, valueAxis, vertical } from "./axis.js";
import { zoomable } from "./zoom.js";


// lines: {name, x, y, colour, dash, width}; drawdown and exposure: {x, y} or null.
export class EquityChart {
  constructor(canvas, { lines, drawdown = null, exposure = null, start, summary }) {
    Object.assign(this, { canvas, lines, drawdown, exposure, start, summary, log: false, hover: null, drag: null });
    this.first = Math.min(...lines.map(l => l.x[0]));
    this.last = Math.max(...lines.map(l => l.x.at(-1)));
    this.view = [this.first, this.last];
    zoomable(this);
    for (const button of $$("[data-scale]")) button.addEventListener("click", () => {
      this.log = button.dataset.scale === "log";
      for (const other of $$("[data-scale]")) other.setAttribute("aria-pressed", String(other === button));
      this.draw();
    });
  }

  panes(height) {
    const extra = [this.drawdown && "drawdown", this.exposure && "exposure"].filter(Boolean);
    const below = extra.length * Math.round(height * 0.19), main = height - FOOT - below, size = below / (extra.length || 1);
    const found = { main: [8, main - 6] };
    extra.forEach((name, i) => { found[name] = [main + i * size + 5, main + (i + 1) * size - 5]; });
    return found;
  }

  draw() {
    const { g, width, height, plot } = begin(this.canvas), [from, to] = this.view;
    if (width < 80) return;
    const x = ms => (ms - from) / (to - from || 1) * plot, panes = this.panes(height), bottom = height - FOOT;
    this.at = px => from + px / plot * (to - from);
    this.plot = plot;
    timeAxis(g, timeTicks(from, to, plot), x, plot, bottom, bottom + 12);
    this.drawLines(g, x, panes.main, plot);
    if (this.drawdown) this.drawArea(g, x, panes.drawdown, plot);
    if (this.exposure) this.drawBars(g, x, panes.exposure, plot);
    g.strokeStyle = colour("line-2");
    horizontal(g, 0, width, bottom);
    vertical(g, plot, 0, bottom);
    this.drawPointer(g, x, bottom);
    this.write();
  }

  within(series) {
    const from = Math.max(0, lastAtOrBefore(series.x, this.view[0]));
    return [from, Math.min(series.x.length - 1, lastAtOrBefore(series.x, this.view[1]) + 1)];
  }

  drawLines(g, x, [top, bottom], plot) {
    const all = this.lines.map(l => range(l.y, ...this.within(l)));
    let low = Math.min(this.start, ...all.map(r => r[0])), high = Math.max(this.start, ...all.map(r => r[1]));
    const log = this.log && low > 0, f = log ? Math.log : v => v, margin = (f(high) - f(low)) * 0.05 || Math.abs(f(high)) * 0.01 || 1;
    const a = f(low) - margin, b = f(high) + margin, y = v => bottom - (f(v) - a) / (b - a) * (bottom - top);
    this.logRefused = this.log && !log;
    const marks = ticks(log ? Math.exp(a) : a, log ? Math.exp(b) : b, 7);
    const ends = this.lines.map(line => ({ line, value: line.y[this.within(line)[1]] })).filter(end => end.value >= low && end.value <= high);
    valueAxis(g, marks, y, plot, undefined, ends.map(end => y(end.value)));
    g.save(); g.beginPath(); g.rect(0, top - 8, plot, bottom - top + 14); g.clip();
    g.strokeStyle = colour("ink-3"); g.setLineDash([1, 3]); horizontal(g, 0, plot, y(this.start)); g.setLineDash([]);
    for (const line of [...this.lines].reverse()) {
      g.strokeStyle = colour(line.colour); g.lineWidth = line.width; g.setLineDash(line.dash);
      trace(g, line.x, line.y, ...this.within(line), x, y);
    }
    g.setLineDash([]); g.lineWidth = 1; g.restore();
    let free = -Infinity;
    for (const { line, value } of ends.sort((p, q) => q.value - p.value)) {
      free = Math.max(y(value), free + 17); // tags never cover each other
      const step = Math.abs(value) >= 1e6 ? 1e4 : Math.abs(value) >= 1e4 ? 100 : marks.step / 10;
      tag(g, plot, free, short(value, step), colour(line.benchmark ? "raise" : line.colour), colour(line.benchmark ? "ink-2" : "bg"));
    }
  }

  drawArea(g, x, [top, bottom], plot) {
    const { x: xs, y: ys } = this.drawdown, [from, to] = this.within(this.drawdown), low = Math.min(-0.001, range(ys, from, to)[0]) * 1.04;
    const y = v => top + v / low * (bottom - top);
    this.divider(g, top, plot);
    valueAxis(g, ticks(low, 0, 2).filter(v => v < -1e-12), y, plot, v => percent(v, low > -0.02 ? 1 : 0));
    g.save(); g.beginPath(); g.rect(0, top - 4, plot, bottom - top + 8); g.clip();
    g.fillStyle = colour("down-bg"); g.globalAlpha = 0.28; g.beginPath(); g.moveTo(x(xs[from]), y(0));
    for (let i = from; i <= to; i++) if (!Number.isNaN(ys[i])) g.lineTo(x(xs[i]), y(ys[i]));
    g.lineTo(x(xs[to]), y(0)); g.fill(); g.globalAlpha = 1;
    g.strokeStyle = colour("down"); trace(g, xs, ys, from, to, x, y); g.restore();
    this.label(g, t("drawdown"), top);
  }

  drawBars(g, x, [top, bottom], plot) {
    const { x: xs, y: ys } = this.exposure, [from, to] = this.within(this.exposure), [low, high] = range(ys, from, to);
    const most = Math.max(0.05, Math.abs(low), Math.abs(high)), both = low < -1e-9, zero = both ? (top + bottom) / 2 : bottom;
    const y = v => zero - v / most * (both ? (bottom - top) / 2 : bottom - top);
    this.divider(g, top, plot);
    g.save(); g.beginPath(); g.rect(0, top - 4, plot, bottom - top + 8); g.clip();
    // Exposure holds until the next row: a step, never a slope.
    for (let i = from; i <= to; i++) {
      if (!ys[i]) continue;
      const left = x(xs[i]), right = i < xs.length - 1 ? x(xs[i + 1]) : left + 1;
      g.fillStyle = colour(ys[i] > 0 ? "c4" : "c2"); g.globalAlpha = 0.8;
      g.fillRect(left, Math.min(zero, y(ys[i])), Math.max(0.6, right - left), Math.abs(y(ys[i]) - zero));
    }
    g.restore(); g.globalAlpha = 1; g.strokeStyle = colour("line-2"); horizontal(g, 0, plot, zero);
    g.fillStyle = colour("ink-3"); g.textAlign = "left";
    g.fillText("0×", plot + 8, both ? zero : zero - 4); g.fillText(`${number(most, most < 1 ? 2 : 1)}×`, plot + 8, top + 5);
    if (both) g.fillText(`${number(-most, most < 1 ? 2 : 1)}×`, plot + 8, bottom - 4);
    this.label(g, t("exposure"), top);
  }

  divider(g, top, plot) { g.strokeStyle = colour("line-2"); horizontal(g, 0, plot, top - 5); }

  label(g, text, top) {
    g.textAlign = "left"; g.fillStyle = colour("bg"); g.globalAlpha = 0.8;
    g.fillRect(0, top - 2, g.measureText(text).width + 8, 15); g.globalAlpha = 1;
    g.fillStyle = colour("ink-3"); g.fillText(text, 0, top + 6);
  }

  drawPointer(g, x, bottom) {
    if (this.drag) {
      const [a, b] = this.drag.map(x);
      g.fillStyle = colour("act"); g.globalAlpha = 0.16; g.fillRect(Math.min(a, b), 0, Math.abs(b - a), bottom); g.globalAlpha = 1;
    }
    if (this.hover === null) return;
    g.strokeStyle = colour("ink-3"); g.setLineDash([3, 3]); vertical(g, x(this.hover), 0, bottom); g.setLineDash([]);
  }

  value(series, ms) {
    const at = lastAtOrBefore(series.x, ms);
    return at < 0 ? NaN : series.y[at];
  }

  write() {
    const ms = this.hover ?? Math.min(this.view[1], this.last), shown = [];
    const at = lastAtOrBefore(this.lines[0].x, ms);
    shown.push(el("b", {}, `${isoBar(at < 0 ? ms : this.lines[0].x[at])} UTC`));
    for (const line of this.lines) {
      const value = this.value(line, ms), change = value / this.start - 1;
      const swatch = el("span", { class: "sw", style: `border-color:var(--${line.colour});border-top-style:${line.dash.length ? "dashed" : "solid"}` });
      shown.push(el("i", {}, swatch, `${line.name} `, el("b", {}, headline(value)), " ", el("span", { class: tone(change) }, percent(change, 1, true))));
    }
    if (this.drawdown) shown.push(el("i", {}, `${t("drawdown")} `, el("b", {}, percent(this.value(this.drawdown, ms)))));
    if (this.exposure) shown.push(el("i", {}, `${t("exposure")} `, el("b", {}, `${number(this.value(this.exposure, ms), 2, true)}×`)));
    $(`#${this.canvas.id}-read`).replaceChildren(...shown);
    $(`#${this.canvas.id}-summary`).textContent = this.summary(this);
  }

  // Rows for `Show as table`: some sixty stamps across the view.
  rows() {
    const lead = this.lines[0], [from, to] = this.within(lead), step = Math.max(1, Math.floor((to - from) / 60));
    const picked = [];
    for (let i = from; i < to; i += step) picked.push(i);
    picked.push(to);
    const head = [t("time"), ...this.lines.map(l => l.name)];
    if (this.drawdown) head.push(t("drawdown"));
    if (this.exposure) head.push(t("exposure"));
    const body = picked.map(i => {
      const ms = lead.x[i], cells = [isoBar(ms), ...this.lines.map(l => headline(this.value(l, ms)))];
      if (this.drawdown) cells.push(percent(this.value(this.drawdown, ms)));
      if (this.exposure) cells.push(`${number(this.value(this.exposure, ms), 2, true)}×`);
      return cells;
    });
    return { head, body, of: to - from + 1 };
  }
}
