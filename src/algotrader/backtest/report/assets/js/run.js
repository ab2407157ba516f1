// The report of one run, and the equity of a walk-forward.
import { $, headline, percent, range, t } from "./core.js";
import { column, stamps, decodeTrades } from "./decode.js";
import { EquityChart } from "./equity.js";
import { PriceChart } from "./price.js";
import { TradesTable } from "./trades.js";
import { run, start } from "./main.js";

function startEquity() {
  const coded = D.equity, x = stamps(coded.ts);
  const line = (key, name, style) => coded[key] && { get name() { return t(name); }, x, y: column(coded[key]), width: 1.25, dash: [], ...style };
  const series = key => coded[key] ? { x, y: column(coded[key]) } : null;
  const lines = [
    line("equity", "strategy", { colour: "c1", width: 1.5 }),
    line("in_sample", "in_sample", { colour: "c3", dash: [6, 3] }),
    line("benchmark", "benchmark", { colour: "ink-3", dash: [5, 3], benchmark: true }),
  ].filter(Boolean);
  start(new EquityChart($("#equity"), {
    lines, drawdown: series("drawdown"), exposure: series("exposure"), start: D.id.capital,
    summary: chart => {
      const [from, to] = chart.within(lines[0]), [low, high] = range(lines[0].y, from, to);
      const values = { first: lines[0].y[from], last: lines[0].y[to], low, high };
      const written = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, headline(value)]));
      return t("summary.equity", { ...written, dd: percent(range(chart.drawdown.y, from, to)[0]) });
    },
  }));
}

function startTrades() {
  const all = D.trades ? decodeTrades(D.trades) : [];
  let chart = null;
  if ($("#price")) {
    chart = start(new PriceChart($("#price"), $("#window"), D.prices, all, D.id.timeframe));
    $("#price-symbol")?.addEventListener("change", event => chart.show(Number(event.target.value)));
  }
  if (!$("#trade-table")) return;
  start(new TradesTable(all, D.trades, D.id, trade => {
    if (!chart?.focusTrade(trade)) return;
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    $("#price-chart").scrollIntoView({ behavior: calm ? "auto" : "smooth", block: "start" });
  }));
}

if (D.equity) startEquity();
startTrades();
run();
