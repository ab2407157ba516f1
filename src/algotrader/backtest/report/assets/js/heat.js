// The map of a sweep: any two parameters, the others by median or as chosen, any metric.
import { $, el, number, percent, t, zh } from "./core.js";
import { column } from "./decode.js";
import { run, start } from "./main.js";

const PRINTED_FROM = 34; // a narrower cell shows its number on hover and focus

class HeatMap {
  constructor(place) {
    this.place = place;
    this.parameters = Object.fromEntries(Object.entries(D.parameters).map(([name, coded]) => [name, column(coded)]));
    this.metrics = Object.fromEntries(Object.entries(D.metrics).map(([name, coded]) => [name, column(coded)]));
    const names = Object.keys(this.parameters).sort((a, b) => new Set(this.parameters[b]).size - new Set(this.parameters[a]).size);
    this.choice = { x: names[0], y: names[1], metric: "sharpe", rest: "median" };
    place.addEventListener("pointerover", event => this.say(event.target.closest("td")));
    place.addEventListener("focusin", event => this.say(event.target.closest("td")));
    place.addEventListener("keydown", event => this.key(event));
  }

  draw() {
    this.drawChoices();
    const { x, y } = this.choice, values = name => [...new Set(this.parameters[name])].sort((a, b) => a - b);
    const [across, down] = [values(x), values(y).reverse()], cells = down.map(b => across.map(a => this.cell(a, b)));
    const width = (this.place.clientWidth - 90) / across.length, printed = width >= PRINTED_FROM;
    const largest = Math.max(1e-9, ...cells.flat().map(cell => Math.abs(cell.value)).filter(Number.isFinite));
    const rows = cells.map((row, r) => el("tr", {}, el("th", { scope: "row" }, this.written(down[r])), ...row.map((cell, c) => this.draw_cell(cell, r, c, cells, largest, printed))));
    const head = el("tr", {}, el("td", { class: "corner" }, `${y} ↓  ${x} →`), ...across.map(a => el("th", { scope: "col" }, this.written(a))));
    this.place.replaceChildren(el("table", { class: "cells" }, el("thead", {}, head), el("tbody", {}, ...rows)));
    this.say($("td.chosen", this.place) ?? $("tbody td", this.place));
  }

  // The median of all sets at a place, or the one that agrees with the chosen set elsewhere.
  cell(a, b) {
    const { x, y, metric, rest } = this.choice, others = Object.keys(this.parameters).filter(name => name !== x && name !== y), found = [];
    let chosen = false;
    for (let i = 0; i < this.parameters[x].length; i++) {
      if (this.parameters[x][i] !== a || this.parameters[y][i] !== b) continue;
      if (i === D.chosen) chosen = true;
      if (rest === "fixed" && others.some(name => this.parameters[name][i] !== this.parameters[name][D.chosen])) continue;
      if (!Number.isNaN(this.metrics[metric][i])) found.push(this.metrics[metric][i]);
    }
    found.sort((p, q) => p - q);
    const middle = found.length >> 1;
    return { a, b, chosen, value: found.length ? (found.length % 2 ? found[middle] : (found[middle - 1] + found[middle]) / 2) : NaN };
  }

  draw_cell(cell, r, c, cells, largest, printed) {
    const { value } = cell, known = Number.isFinite(value), share = known ? value / largest : 0, level = Math.min(3, Math.ceil(Math.abs(share) * 3 - 1e-9));
    const signed = D.shares.includes(this.choice.metric) || this.choice.metric === "sharpe";
    // The zero contour: a rule between neighbours of opposite sign.
    const crosses = other => other && Number.isFinite(other.value) && known && (other.value > 0) !== (value > 0);
    const classes = [
      !known ? "none" : !signed ? `seq-${[0, 1, 2, 4][Math.round(Math.abs(share) * 3)]}` : level === 0 ? "mid" : `${value < 0 ? "neg" : "pos"}-${level}`,
      cell.chosen && "chosen", crosses(cells[r][c + 1]) && "zero-right", crosses(cells[r + 1]?.[c]) && "zero-below",
    ];
    return el("td", { class: classes.filter(Boolean).join(" "), tabindex: "-1", "data-said": this.sentence(cell) }, known ? (printed ? this.number(value) : "") : "–");
  }

  sentence({ a, b, value, chosen }) {
    const { x, y } = this.choice, said = Number.isFinite(value) ? this.number(value) : t("heat.none");
    return t("heat.set", { x, y, a: this.written(a), b: this.written(b), v: said }) + (chosen ? ` · ${t("heat.chosen")}` : "");
  }

  say(cell) {
    if (!cell?.dataset.said) return;
    $("#heat-said").textContent = `${this.label(this.choice.metric)} · ${cell.dataset.said}`;
    for (const old of this.place.querySelectorAll('[tabindex="0"]')) old.tabIndex = -1;
    cell.tabIndex = 0;
  }

  key(event) {
    const cell = event.target.closest("td"), row = cell?.parentElement, way = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (!cell || !way) return;
    event.preventDefault();
    const next = row.parentElement.children[[...row.parentElement.children].indexOf(row) + way[0]]?.children[cell.cellIndex + way[1]];
    if (next?.tagName === "TD") next.focus();
  }

  label(metric) { return D.labels[metric][zh() ? 1 : 0]; }
  written(value) { return String(+value.toPrecision(10)); }
  number(value) {
    if (D.shares.includes(this.choice.metric)) return percent(value, 1, true).replace(/[%\s]/g, "");
    return number(value, this.choice.metric === "trades" ? 0 : 2);
  }

  drawChoices() {
    const names = Object.keys(this.parameters), pick = (key, options) => {
      const menu = el("select", { "aria-label": t(`heat.${key}`) }, ...options.map(([value, text]) => el("option", { value }, text)));
      menu.value = this.choice[key];
      menu.addEventListener("change", () => this.choose(key, menu.value));
      return el("label", {}, `${t(`heat.${key}`)} `, menu);
    };
    const parameters = names.map(name => [name, name]), parts = [pick("x", parameters), pick("y", parameters), pick("metric", Object.keys(this.metrics).map(name => [name, this.label(name)]))];
    if (names.length > 2) parts.push(pick("rest", [["median", t("heat.median")], ["fixed", t("heat.fixed")]]));
    $("#heat-choices").replaceChildren(...parts);
  }

  choose(key, value) {
    const other = { x: "y", y: "x" }[key];
    if (other && this.choice[other] === value) this.choice[other] = this.choice[key];
    this.choice[key] = value;
    this.draw();
    $(`#heat-choices select[aria-label="${t(`heat.${key}`)}"]`).focus();
  }
}

if ($("#heat-map")) start(new HeatMap($("#heat-map")));
run();
