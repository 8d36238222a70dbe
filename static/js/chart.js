// The throughput chart: bars of completed jobs, failures that are retried and dead letters a minute. Its numbers are in the element's data-series.
import { shortClock } from "./time.js";

const held = new WeakMap();

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function stacked([at, completed, retried, dead]) {
  // Drawn from the tallest to the lowest, so each bar shows its own part above the next.
  const upper = completed.map((n, i) => n + retried[i] + dead[i]);
  const middle = retried.map((n, i) => n + dead[i]);
  return [at, upper, middle, dead];
}

function options(element, raw) {
  const bars = uPlot.paths.bars({ size: [0.76, 44], gap: 1, radius: 0.1 });
  const series = (label, name, index) => ({
    label, stroke: colour(name), fill: colour(name), width: 0, paths: bars, points: { show: false },
    value: (u, v, s, i) => (i == null ? "" : raw()[index][i]),
  });
  const axis = { stroke: colour("--if-muted"), grid: { stroke: colour("--if-line"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
  return {
    width: element.clientWidth - 20, height: element.clientHeight - 12,
    cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
    legend: { show: false }, padding: [10, 8, 0, 0],
    scales: { x: { time: true, range: (u, from, to) => [from - 40, to + 40] }, y: { range: (u, low, high) => [0, Math.max(4, high * 1.12)] } },
    axes: [{ ...axis, size: 30, space: 62, gap: 6, grid: { show: false }, values: (u, ticks) => ticks.map((t) => shortClock(t * 1000)) },
      { ...axis, size: 44, gap: 6, space: 38, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6], values: (u, ticks) => ticks.map(short) }],
    series: [{}, series("completed", "--if-done-fill", 1), series("retried", "--if-failed-fill", 2), series("dead", "--if-dead-fill", 3)],
    hooks: { setCursor: [(u) => tell(element, u, raw())] },
  };
}

const short = (n) => (n >= 1e6 ? `${n / 1e6} M` : n >= 1e3 ? `${n / 1e3} k` : `${n}`);

// What the minute under the pointer did, in a box beside it.
function tell(element, plot, raw) {
  const tip = element.querySelector(".chart-tip");
  const i = plot.cursor.idx;
  tip.hidden = i == null;
  if (i == null) return;
  const said = [["completed", 1, "k-completed"], ["failed, will retry", 2, "k-failed"], ["dead letters", 3, "k-dead"]];
  const title = document.createElement("b");
  title.textContent = `${shortClock(raw[0][i] * 1000)} – ${shortClock(raw[0][i] * 1000 + 60_000)}`;
  tip.replaceChildren(title, ...said.map(([label, index, css]) => line(label, raw[index][i], css)));
  const left = plot.valToPos(raw[0][i], "x") + plot.over.offsetLeft;
  const isLeft = left > element.clientWidth / 2;
  tip.style.left = isLeft ? `${left - tip.offsetWidth - 14}px` : `${left + 34}px`;
}

function line(label, number, css) {
  const row = document.createElement("span");
  const name = document.createElement("span");
  const mark = document.createElement("i");
  mark.className = `dot ${css}`;
  name.append(mark, label);
  const value = document.createElement("strong");
  value.textContent = number.toLocaleString("en").replaceAll(",", "\u202f");
  row.append(name, value);
  return row;
}

function notes(element, data) {
  const isEmpty = [1, 2, 3].every((index) => data[index].every((n) => n === 0));
  element.querySelector(".chart-none").hidden = !isEmpty;
}

function draw(element) {
  const data = JSON.parse(element.dataset.series);
  const known = held.get(element);
  if (known) {
    known.data = data;
    known.plot.setData(stacked(data));
    notes(element, data);
    return;
  }
  const entry = { data };
  for (const name of ["chart-tip", "chart-none"]) {
    const note = document.createElement("div");
    note.className = name;
    note.hidden = true;
    element.append(note);
  }
  element.querySelector(".chart-none").textContent = "Nothing finished in this time";
  entry.plot = new uPlot(options(element, () => entry.data), stacked(data), element);
  held.set(element, entry);
  notes(element, data);
  entry.watch = new ResizeObserver(() => {
    if (element.clientWidth) entry.plot.setSize({ width: element.clientWidth - 20, height: element.clientHeight - 12 });
  });
  entry.watch.observe(element);
}

function redraw() {
  for (const element of document.querySelectorAll("[data-series]")) {
    const known = held.get(element);
    known?.watch.disconnect();
    known?.plot.destroy();
    element.replaceChildren();
    held.delete(element);
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
