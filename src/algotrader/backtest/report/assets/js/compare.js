// Equity of several runs, each rebased to 100 where it begins.
import { $, number, t } from "./core.js";
import { column, stamps } from "./decode.js";
import { EquityChart } from "./equity.js";
import { run, start } from "./main.js";

const DASHES = [[], [6, 3], [2, 3], [], [8, 3, 2, 3], []];

const lines = D.runs.map((one, i) => ({ name: one.label, x: stamps(one.ts), y: column(one.equity), colour: `c${i + 1}`, dash: DASHES[i], width: i === 3 ? 1 : 1.5 }));
start(new EquityChart($("#equity"), {
  lines, start: 100,
  summary: () => t("summary.compare", { n: number(lines.length), list: lines.map(line => `${line.name} ${number(line.y.at(-1), 1)}`).join(", ") }),
}));
run();
