// Drawing on a canvas: sharp lines, round ticks, the price axis at the right, time below.
import { colour, short, root } from "./core.js";

export const AXIS = 62; // width of the price axis
export const FOOT = 22; // height of the time labels
const DAY = 864e5;

export function begin(canvas) {
  const ratio = devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
  if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
  if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
  const g = canvas.getContext("2d");
  g.setTransform(ratio, 0, 0, ratio, 0, 0);
  g.clearRect(0, 0, width, height);
  g.font = `${root.lang === "zh" ? 12 : 11}px ${colour("font")}`;
  g.textBaseline = "middle";
  g.lineJoin = "round";
  return { g, width, height, plot: width - AXIS };
}

export function ticks(low, high, about) {
  if (!(high > low)) return [low];
  const raw = (high - low) / about, power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map(k => k * power).find(k => k >= raw * 0.999);
  const found = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) found.push(i * step);
  found.step = step;
  return found;
}

// [ms, text, bold] between two stamps: hours, days, months or years; the year stands for January.
export function timeTicks(from, to, width) {
  const room = Math.max(2, width / 84), span = to - from, found = [];
  const hours = [1, 2, 3, 6, 12].find(h => span / (h * 36e5) <= room);
  const days = [1, 2, 5, 10].find(d => span / (d * DAY) <= room);
  const date = new Date(from);
  const pad = n => String(n).padStart(2, "0");
  if (hours || days) {
    const step = hours ? hours * 36e5 : DAY;
    date.setUTCHours(0, 0, 0, 0);
    for (let ms = +date; ms <= to; ms += step) {
      const d = new Date(ms), midnight = d.getUTCHours() === 0, day = d.getUTCDate();
      if (ms < from || (!hours && days > 1 && ((day - 1) % days || day > 30 - days / 2))) continue;
      const label = midnight ? `${pad(d.getUTCMonth() + 1)}-${pad(day)}` : `${pad(d.getUTCHours())}:00`;
      const newYear = midnight && day === 1 && d.getUTCMonth() === 0;
      found.push([ms, newYear ? String(d.getUTCFullYear()) : label, newYear]);
    }
    return found;
  }
  const months = [1, 2, 3, 6].find(m => span / (m * 30.44 * DAY) <= room);
  const years = months ? 1 : [1, 2, 5, 10, 20].find(y => span / (y * 365.25 * DAY) <= room) || 50;
  date.setUTCHours(0, 0, 0, 0);
  date.setUTCDate(1);
  while (+date <= to) {
    const month = date.getUTCMonth(), year = date.getUTCFullYear();
    const wanted = months ? month % months === 0 : month === 0 && year % years === 0;
    if (wanted && +date >= from) found.push([+date, month ? `${year}-${pad(month + 1)}` : String(year), month === 0]);
    date.setUTCMonth(month + 1);
  }
  return found;
}

export function horizontal(g, from, to, y) {
  g.beginPath(); g.moveTo(from, Math.round(y) + 0.5); g.lineTo(to, Math.round(y) + 0.5); g.stroke();
}

export function vertical(g, x, from, to) {
  g.beginPath(); g.moveTo(Math.round(x) + 0.5, from); g.lineTo(Math.round(x) + 0.5, to); g.stroke();
}

export function timeAxis(g, marks, position, plot, bottom, y) {
  g.strokeStyle = colour("grid");
  for (const [ms] of marks) vertical(g, position(ms), 0, bottom);
  g.textAlign = "center";
  let free = -Infinity;
  for (const [ms, label, bold] of marks) {
    const x = position(ms), half = g.measureText(label).width / 2 + 6;
    if (x - half < Math.max(0, free) || x + half > plot) continue;
    g.fillStyle = colour(bold ? "ink-2" : "ink-3");
    if (bold) g.font = `600 ${g.font}`;
    g.fillText(label, x, y);
    if (bold) g.font = g.font.replace("600 ", "");
    free = x + half;
  }
}

// `taken`: heights where a tag will stand; a label under one is left out.
export function valueAxis(g, marks, position, plot, write = value => short(value, marks.step || 1), taken = []) {
  g.textAlign = "left";
  for (const value of marks) {
    const y = position(value);
    g.strokeStyle = colour("grid");
    horizontal(g, 0, plot, y);
    if (taken.some(other => Math.abs(other - y) < 14)) continue;
    g.fillStyle = colour("ink-3");
    g.fillText(write(value), plot + 8, y);
  }
}

export function tag(g, plot, y, label, background, ink) {
  g.fillStyle = background;
  g.fillRect(plot + 1, y - 8, AXIS - 2, 16);
  g.fillStyle = ink;
  g.textAlign = "left";
  g.fillText(label, plot + 8, y + 0.5);
}

// A line with gaps where there is no value; `step` holds each value until the next.
export function trace(g, xs, ys, from, to, x, y) {
  g.beginPath();
  let pen = false;
  for (let i = from; i <= to; i++) {
    if (Number.isNaN(ys[i])) { pen = false; continue; }
    if (pen) g.lineTo(x(xs[i]), y(ys[i])); else g.moveTo(x(xs[i]), y(ys[i]));
    pen = true;
  }
  g.stroke();
}
