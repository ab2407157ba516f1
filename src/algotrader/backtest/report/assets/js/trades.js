// The trades: sets, words, sorting by several keys, virtual rows, keys, CSV.
import { $, csvCell, download, duration, el, isoBar, money, number, percent, t, tone, word } from "./core.js";

const VIRTUAL_ABOVE = 200, OVERSCAN = 20;
const SETS = [["all", () => true], ["set_long", x => x.side > 0], ["set_short", x => x.side < 0], ["winners", x => x.profit > 0], ["losers", x => x.profit <= 0], ["set_guessed", x => x.ambiguous > 0]];

export class TradesTable {
  constructor(all, coded, id, onPick) {
    Object.assign(this, { all, coded, id, onPick, set: 0, words: "", keys: [["number", -1]], chosen: null, at: 0 });
    this.scroll = $("#trade-scroll");
    this.table = $("#trade-table");
    this.listen();
  }

  get narrow() { return matchMedia("(max-width: 560px)").matches; }
  get rowHeight() { return this.narrow ? 52 : matchMedia("(pointer: coarse)").matches ? 36 : 28; }

  columns() {
    const several = this.coded.symbols.length > 1;
    const all = [
      ["number", "number", x => number(x.number), "dim"],
      ["side", "side", x => this.side(x), "left whole"],
      several && ["symbol", "instrument", x => x.symbol, "left"],
      ["entry", "entry", x => isoBar(x.entry), "left whole"],
      ["exit", "exit", x => isoBar(x.exit), "left whole"],
      ["quantity", "quantity", x => number(x.quantity, this.coded.quantity_digits)],
      ["entry_price", "entry_price", x => number(x.entry_price, this.coded.price_digits)],
      ["exit_price", "exit_price", x => number(x.exit_price, this.coded.price_digits)],
      ["fees", "fees", x => money(x.fees)],
      this.all.some(x => x.funding) && ["funding", "funding", x => money(x.funding)],
      ["profit", "profit", x => el("span", { class: tone(x.profit) }, money(x.profit, true))],
      ["return_", "return", x => el("span", { class: tone(x.return_) }, percent(x.return_, 2, true))],
      ["mae", "mae", x => percent(x.mae, 2), "dim"],
      ["mfe", "mfe", x => percent(x.mfe, 2), "dim"],
      ["reason", "reason", x => this.reason(x), "left"],
    ].filter(Boolean);
    if (!this.narrow) return all;
    const two = (top, bottom) => el("span", { class: "two-lines" }, el("span", {}, top), el("small", {}, bottom));
    const what = x => several ? el("span", {}, this.side(x), ` ${x.symbol}`) : this.side(x);
    return [
      ["entry", "entry", x => two(what(x), isoBar(x.entry)), "left"],
      ["held", "held", x => two(duration(x.held), this.reason(x))],
      ["profit", "profit", x => two(el("b", { class: tone(x.profit) }, money(x.profit, true)), percent(x.return_, 2, true))],
    ];
  }

  side(x) { return el("span", {}, el("span", { class: x.side > 0 ? "long" : "short" }, x.side > 0 ? "▲" : "▼"), ` ${t(x.side > 0 ? "long" : "short")}`); }

  reason(x) {
    const cell = el("span", {}, word("part", x.is_open ? "open" : x.reason));
    if (x.ambiguous) cell.append(" ", el("span", { class: "tag w" }, t("guess_tag")));
    return cell;
  }

  // What the words of the filter search: `field:value` for fields, everything else as text.
  text(x) {
    const words = D.words[`part.${x.is_open ? "open" : x.reason}`] ?? [], sides = D.words[x.side > 0 ? "long" : "short"];
    return `${isoBar(x.entry)} ${isoBar(x.exit)} ${x.symbol} ${x.reason} ${words.join(" ")} ${sides.join(" ")} side:${x.side > 0 ? "long" : "short"} symbol:${x.symbol} exit:${x.reason}`.toLowerCase();
  }

  filtered() {
    const wanted = this.words.toLowerCase().split(/\s+/).filter(Boolean), keep = SETS[this.set][1];
    const rows = this.all.filter(x => keep(x) && (!wanted.length || wanted.every(w => this.text(x).includes(w))));
    const compare = (a, b) => typeof a === "string" ? a.localeCompare(b) : a - b;
    return rows.sort((a, b) => {
      for (const [key, way] of this.keys) { const d = compare(a[key], b[key]) * way; if (d) return d; }
      return a.number - b.number;
    });
  }

  draw() {
    this.rows = this.filtered();
    this.at = Math.max(0, Math.min(this.at, this.rows.length - 1));
    $("#trade-sets").replaceChildren(...SETS.map(([key], i) => el("button", { type: "button", "data-i": i, "aria-pressed": String(this.set === i) }, t(key))));
    $("#trade-words").placeholder = t("filter_hint");
    const net = this.rows.reduce((sum, x) => sum + x.profit, 0), sums = $("#trade-sums");
    sums.replaceChildren(`${number(this.rows.length)} / ${number(this.all.length)} · `, el("span", { class: tone(net) }, money(net, true)), ` ${this.id.currency}`);
    if (this.coded.n < this.coded.of) sums.append(` · ${t("listed", { n: number(this.coded.n), of: number(this.coded.of), run: this.id.run })}`);
    this.drawHead();
    this.table.setAttribute("aria-rowcount", String(this.rows.length + 1));
    this.drawRows();
  }

  drawHead() {
    const cells = this.columns().map(([key, label, , kind]) => {
      const place = this.keys.findIndex(([k]) => k === key), way = place < 0 ? 0 : this.keys[place][1];
      const arrow = way ? (way > 0 ? " ↑" : " ↓") + (this.keys.length > 1 ? place + 1 : "") : "";
      return el("th", { scope: "col", class: kind, "aria-sort": way ? (way > 0 ? "ascending" : "descending") : null },
        el("button", { type: "button", "data-key": key }, t(`col.${label}`, { currency: this.id.currency }) + arrow));
    });
    $("thead", this.table).replaceChildren(el("tr", { "aria-rowindex": "1" }, ...cells));
  }

  drawRows() {
    const body = $("tbody", this.table), columns = this.columns(), height = this.rowHeight, total = this.rows.length;
    if (!total) {
      body.replaceChildren(el("tr", {}, el("td", { colspan: columns.length, class: "left empty" }, t("no_match", { n: number(this.all.length) }))));
      return;
    }
    let from = 0, to = total;
    if (total > VIRTUAL_ABOVE && !this.printing) {
      from = Math.max(0, Math.floor(this.scroll.scrollTop / height) - OVERSCAN);
      to = Math.min(total, from + Math.ceil(this.scroll.clientHeight / height) + 2 * OVERSCAN);
    }
    const pad = rows => rows ? [el("tr", { class: "pad", "aria-hidden": "true" }, el("td", { colspan: columns.length, style: `height:${rows * height}px` }))] : [];
    const rows = this.rows.slice(from, to).map((x, i) => el("tr", {
      "data-n": x.number, "aria-rowindex": from + i + 2, "aria-current": x.number === this.chosen && "true",
      class: [x.number === this.chosen && "on", from + i === this.at && "cursor"].filter(Boolean).join(" ") || null,
    }, ...columns.map(([, , write, kind]) => el("td", { class: kind }, write(x)))));
    body.replaceChildren(...pad(from), ...rows, ...pad(total - to));
  }

  pick(trade) {
    this.chosen = trade.number;
    this.at = this.rows.indexOf(trade);
    this.drawRows();
    this.onPick(trade);
  }

  moveTo(at) {
    this.at = Math.max(0, Math.min(this.rows.length - 1, at));
    const top = this.at * this.rowHeight, head = 30;
    if (top < this.scroll.scrollTop) this.scroll.scrollTop = top;
    else if (top + this.rowHeight + head > this.scroll.scrollTop + this.scroll.clientHeight) this.scroll.scrollTop = top + this.rowHeight + head - this.scroll.clientHeight;
    this.drawRows();
  }

  sortBy(key, add) {
    const old = this.keys.find(([k]) => k === key), next = [key, old ? -old[1] : 1];
    this.keys = add ? [...this.keys.filter(([k]) => k !== key), next] : [next];
    this.draw();
  }

  listen() {
    let asked = false;
    this.scroll.addEventListener("scroll", () => {
      if (asked || this.rows.length <= VIRTUAL_ABOVE) return;
      asked = true;
      requestAnimationFrame(() => { asked = false; this.drawRows(); });
    });
    $("#trade-sets").addEventListener("click", event => {
      const button = event.target.closest("[data-i]");
      if (!button) return;
      this.set = Number(button.dataset.i); this.at = 0; this.scroll.scrollTop = 0; this.draw();
      $(`#trade-sets [data-i="${this.set}"]`).focus();
    });
    $("#trade-words").addEventListener("input", event => { this.words = event.target.value; this.at = 0; this.scroll.scrollTop = 0; this.draw(); });
    this.table.addEventListener("click", event => {
      const head = event.target.closest("[data-key]"), row = event.target.closest("[data-n]");
      if (head) { this.sortBy(head.dataset.key, event.shiftKey); $(`[data-key="${head.dataset.key}"]`, this.table).focus(); }
      else if (row && !String(getSelection())) this.pick(this.all[Number(row.dataset.n) - 1]);
    });
    this.scroll.addEventListener("keydown", event => this.key(event));
    $("#trade-csv").addEventListener("click", () => this.csv());
    addEventListener("beforeprint", () => { this.printing = true; this.drawRows(); });
    addEventListener("afterprint", () => { this.printing = false; this.drawRows(); });
  }

  key(event) {
    if (event.target.closest("button, input") || event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor(this.scroll.clientHeight / this.rowHeight) - 2);
    const deeds = {
      ArrowDown: () => this.moveTo(this.at + 1),
      ArrowUp: () => this.moveTo(this.at - 1),
      PageDown: () => this.moveTo(this.at + page),
      PageUp: () => this.moveTo(this.at - page),
      Home: () => this.moveTo(0),
      End: () => this.moveTo(this.rows.length - 1),
      Enter: () => this.rows[this.at] && this.pick(this.rows[this.at]),
      "/": () => $("#trade-words").focus(),
      e: () => this.csv(),
      c: () => this.rows[this.at] && navigator.clipboard?.writeText(this.line(this.rows[this.at])),
      Escape: () => this.scroll.blur(),
    };
    const deed = deeds[event.key];
    if (!deed) return;
    event.preventDefault();
    deed();
  }

  line(x) {
    const iso = ms => new Date(ms).toISOString();
    return [x.number, x.symbol, x.side > 0 ? "long" : "short", iso(x.entry), iso(x.exit), x.quantity, x.entry_price, x.exit_price, x.fees, x.funding, x.slippage, x.profit, x.return_, x.mae, x.mfe, x.bars, x.reason, x.ambiguous, x.is_open].map(csvCell).join(",");
  }

  csv() {
    const money_in = this.id.currency, head = ["number", "instrument", "side", "entry_utc", "exit_utc", "quantity", "entry_price", "exit_price", `fees_${money_in}`, `funding_${money_in}`, `slippage_${money_in}`, `profit_${money_in}`, "return_fraction", "mae_fraction", "mfe_fraction", "bars", "exit_reason", "path_guessed", "open"];
    download(`trades-${this.id.run.replace(/[^\w.-]/g, "_")}.csv`, [head.map(csvCell).join(","), ...this.rows.map(x => this.line(x))].join("\n") + "\n");
  }
}
