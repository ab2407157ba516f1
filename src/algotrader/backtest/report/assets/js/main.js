// Starts what the page holds, and draws all of it again when a setting or the size changes.
import { $, $$, el, forgetColours, number, root, t, word } from "./core.js";

const parts = [];
export const start = part => { parts.push(part); return part; };

export function drawAll() {
  forgetColours();
  for (const button of $$("[data-set]")) {
    const [name, value] = button.dataset.set.split(":");
    button.setAttribute("aria-pressed", String((name === "lang" ? root.lang : root.dataset[name]) === value));
  }
  for (const node of $$("[data-label]")) node.setAttribute("aria-label", t(node.dataset.label));
  for (const node of $$("[data-reason]")) node.title = word("reason", node.dataset.reason);
  for (const part of parts) part.draw();
  for (const button of $$('[data-table][aria-expanded="true"]')) drawTable(button);
}

function drawTable(button) {
  const chart = parts.find(part => part.canvas?.id === button.dataset.table), { head, body, of } = chart.rows();
  $(`#${button.dataset.table}-table`).replaceChildren(
    el("table", {}, el("caption", {}, t("rows_of", { n: number(body.length), of: number(of) })),
      el("thead", {}, el("tr", {}, ...head.map(text => el("th", { scope: "col" }, text)))),
      el("tbody", {}, ...body.map(cells => el("tr", {}, ...cells.map((text, i) => i ? el("td", {}, text) : el("th", { scope: "row" }, text)))))));
}

function toggleTable(button) {
  const open = button.getAttribute("aria-expanded") !== "true", place = $(`#${button.dataset.table}-table`);
  button.setAttribute("aria-expanded", String(open));
  place.hidden = !open;
  if (open) drawTable(button);
}

function choose(name, value) {
  if (name === "lang") root.lang = value; else root.dataset[name] = value;
  try { localStorage.setItem(`algotrader.report.${name}`, value); } catch { /* a file may have no storage */ }
  drawAll();
}

async function copy(button) {
  try { await navigator.clipboard.writeText(button.dataset.copy); } catch { return; }
  const before = [...button.childNodes];
  button.replaceChildren(t("copied"));
  setTimeout(() => button.replaceChildren(...before), 1500);
}

export function run() {
  document.addEventListener("click", event => {
    const button = event.target.closest("[data-set], [data-table], [data-copy]");
    if (!button) return;
    if (button.dataset.set) choose(...button.dataset.set.split(":"));
    else if (button.dataset.table) toggleTable(button);
    else copy(button);
  });
  let theme = null;
  addEventListener("beforeprint", () => { theme = root.dataset.theme; root.dataset.theme = "light"; drawAll(); });
  addEventListener("afterprint", () => { if (theme) root.dataset.theme = theme; drawAll(); });
  let asked = 0;
  addEventListener("resize", () => { cancelAnimationFrame(asked); asked = requestAnimationFrame(drawAll); });
  drawAll();
}
