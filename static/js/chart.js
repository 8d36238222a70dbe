// The charts: stacked bars of what happened in each step of time, or lines. The numbers are in the element's data-series
// (times in seconds, then a column for each line), their names and colours in data-chart.
import { shortClock, shortDay } from "./time.js";
import { word } from "./words.js";

const held = new WeakMap();
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const UNITS = [[1e-3, "µs", 1e6], [1, "ms", 1e3], [60, "s", 1], [3600, "min", 1 / 60], [Infinity, "h", 1 / 3600]];
const NUMBERS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6];
const SECONDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 18e3, 36e3, 86400];

const LONGEST_LABEL = 18;

const short = (n) => (n >= 1e6 ? `${n / 1e6} M` : n >= 1e3 ? `${n / 1e3} k` : `${n}`);
const whole = (n) => n.toLocaleString("en").replaceAll(",", "\u202f");

function duration(seconds) {
  if (!seconds) return "0";
  const [, unit, factor] = UNITS.find(([limit]) => seconds < limit);
  const value = seconds * factor;
  return `${value >= 100 ? Math.round(value) : Number(value.toPrecision(3))} ${unit}`;
}

const isBars = (about) => about.type === "bars";
const textOf = (about, value) => (value == null ? "–" : about.unit === "s" ? duration(value) : whole(value));

function drawn(about, [at, ...columns]) {
  if (!isBars(about)) return [at, ...columns];
  // Drawn from the tallest to the lowest, so each bar shows its own part above the next.
  const sums = columns.map((column, first) => column.map((_, i) => columns.slice(first).reduce((sum, each) => sum + each[i], 0)));
  return [at, ...sums];
}

function seriesOf(about) {
  const bars = uPlot.paths.bars({ size: [0.76, 44], gap: 1, radius: 0.1 });
  return about.series.map(({ label, colour: name }) => (isBars(about)
    ? { label, stroke: colour(name), fill: colour(name), width: 0, paths: bars, points: { show: false } }
    : { label, stroke: colour(name), width: 2, spanGaps: false, points: { size: 4, fill: colour(name), show: lonely } }));
}

// A point between two gaps has no line: it is shown as a point.
function lonely(plot, index) {
  const column = plot.data[index];
  return column.some((n, i) => n != null && column[i - 1] == null && column[i + 1] == null);
}

function options(element, entry) {
  const { about } = entry;
  const isTime = about.unit === "s";
  const axis = { stroke: colour("--if-muted"), grid: { stroke: colour("--if-line"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
  const margin = about.step * 0.67;
  return {
    width: element.clientWidth - 20, height: element.clientHeight - 12,
    cursor: { y: false, points: { show: !isBars(about) }, drag: { x: false, y: false } },
    legend: { show: false }, padding: [10, 8, 0, 0],
    scales: { x: { time: true, range: (u, from, to) => [from - margin, to + margin] }, y: { range: (u, low, high) => [0, isTime ? (high || 1) * 1.12 : Math.max(4, high * 1.12)] } },
    axes: [{ ...axis, size: 30, space: 62, gap: 6, grid: { show: false }, values: (u, ticks) => ticks.map((t) => tick(about, t)) },
      { ...axis, size: isTime ? 58 : 44, gap: 6, space: 38, incrs: isTime ? SECONDS : NUMBERS, values: (u, ticks) => ticks.map(isTime ? duration : short) }],
    series: [{}, ...seriesOf(about)],
    hooks: { setCursor: [(u) => tell(element, u, entry)], draw: [(u) => drawMarks(u, entry)] },
  };
}

// A dashed line with a flag for each deployment, and its version where there is room.
function drawMarks({ ctx, bbox, valToPos }, { marks }) {
  const pxRatio = devicePixelRatio;
  const end = bbox.left + bbox.width;
  const lines = marks.map(([at, label]) => [Math.round(valToPos(at, "x", true)), label])
    .filter(([x]) => x >= bbox.left && x <= end).sort(([a], [b]) => a - b);
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = colour("--if-text");
  ctx.lineWidth = pxRatio;
  ctx.setLineDash([4 * pxRatio, 3 * pxRatio]);
  ctx.font = `600 ${11 * pxRatio}px system-ui, sans-serif`;
  ctx.textBaseline = "middle";
  ctx.textAlign = "left";
  let taken = bbox.left;
  for (const [index, [x, label]] of lines.entries()) {
    taken = write(ctx, label, x, bbox.top + 4 * pxRatio, taken, lines[index + 1]?.[0] ?? end, pxRatio);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x + 7 * pxRatio, bbox.top + 4 * pxRatio);
    ctx.lineTo(x, bbox.top + 8 * pxRatio);
    ctx.fill();
  }
  ctx.restore();
}

// Writes a label behind its flag, or before its line, or nowhere; returns where what is drawn here ends.
function write(ctx, label, x, y, taken, next, pxRatio) {
  const text = label.length > LONGEST_LABEL ? `${label.slice(0, LONGEST_LABEL - 1)}…` : label;
  const width = ctx.measureText(text).width;
  const behind = x + 11 * pxRatio;
  const before = x - 6 * pxRatio - width;
  if (behind + width < next) ctx.fillText(text, behind, y);
  else if (before > taken) ctx.fillText(text, before, y);
  return behind + (behind + width < next ? width : 0);
}

// Days where a step is hours, the clock otherwise.
const tick = (about, seconds) => (about.step >= 3600 ? shortDay(seconds * 1000) : shortClock(seconds * 1000));

// What the step under the pointer did, in a box beside it.
function tell(element, plot, { about, data, marks }) {
  const tip = element.querySelector(".chart-tip");
  const i = plot.cursor.idx;
  tip.hidden = i == null;
  if (i == null) return;
  const [from, to] = [data[0][i] * 1000, (data[0][i] + about.step) * 1000];
  const title = document.createElement("b");
  title.textContent = `${about.step >= 3600 ? `${shortDay(from)} ` : ""}${shortClock(from)} – ${shortClock(to)}`;
  tip.replaceChildren(title, ...about.series.map(({ label, css }, index) => line(label, textOf(about, data[index + 1][i]), css)),
    ...marks.filter(([at]) => at >= data[0][i] && at < data[0][i] + about.step).map(([, label]) => line(word("deployed"), label, "k-mark")));
  const left = plot.valToPos(data[0][i], "x") + plot.over.offsetLeft;
  const isLeft = left > element.clientWidth / 2;
  tip.style.left = isLeft ? `${left - tip.offsetWidth - 14}px` : `${left + 34}px`;
}

function line(label, text, css) {
  const row = document.createElement("span");
  const name = document.createElement("span");
  const mark = document.createElement("i");
  mark.className = `dot ${css}`;
  name.append(mark, label);
  const value = document.createElement("strong");
  value.textContent = text;
  row.append(name, value);
  return row;
}

function notes(element, { about, data }) {
  const isEmpty = data.slice(1).every((column) => column.every((n) => !n));
  element.querySelector(".chart-none").textContent = about.none;
  element.querySelector(".chart-none").hidden = !isEmpty;
}

function draw(element) {
  const [data, about] = [JSON.parse(element.dataset.series), JSON.parse(element.dataset.chart)];
  const marks = JSON.parse(element.dataset.marks ?? "[]");
  const known = held.get(element);
  // Another step or other lines need another plot.
  if (known && JSON.stringify(known.about) === JSON.stringify(about)) {
    Object.assign(known, { data, marks });
    known.plot.setData(drawn(about, data));
    notes(element, known);
    return;
  }
  forget(element);
  const entry = { data, about, marks };
  for (const name of ["chart-tip", "chart-none"]) {
    const note = document.createElement("div");
    note.className = name;
    note.hidden = true;
    element.append(note);
  }
  entry.plot = new uPlot(options(element, entry), drawn(about, data), element);
  held.set(element, entry);
  notes(element, entry);
  entry.watch = new ResizeObserver(() => {
    if (element.clientWidth) entry.plot.setSize({ width: element.clientWidth - 20, height: element.clientHeight - 12 });
  });
  entry.watch.observe(element);
}

function forget(element) {
  const known = held.get(element);
  known?.watch.disconnect();
  known?.plot.destroy();
  element.replaceChildren();
  held.delete(element);
}

function redraw() {
  for (const element of document.querySelectorAll("[data-series]")) {
    forget(element);
    draw(element);
  }
}

export function drawCharts() {
  if (typeof uPlot === "undefined") return;
  document.querySelectorAll("[data-series]").forEach(draw);
}

export function startCharts() {
  drawCharts();
  document.addEventListener("ironforge:theme", redraw);
  document.addEventListener("ironforge:zone", redraw);
}
