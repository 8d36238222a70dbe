// The throughput chart: bars of completed, failed and dead jobs a minute. Its numbers are in the element's data-series.
const held = new WeakMap();

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function stacked([at, completed, failed, dead]) {
  // Drawn from the tallest to the lowest, so each bar shows its own part above the next.
  const upper = completed.map((n, i) => n + failed[i] + dead[i]);
  const middle = failed.map((n, i) => n + dead[i]);
  return [at, upper, middle, dead];
}

function options(element, raw) {
  const bars = uPlot.paths.bars({ size: [0.72, 28], gap: 1, radius: 0.12 });
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
    axes: [{ ...axis, grid: { show: false }, values: (u, ticks) => ticks.map((t) => clock(t)) },
      { ...axis, size: 46, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6], values: (u, ticks) => ticks.map(short) }],
    series: [{}, series("completed", "--if-completed", 1), series("failed", "--if-failed", 2), series("dead", "--if-dead", 3)],
    hooks: { setCursor: [(u) => tell(element, u, raw())] },
  };
}

const clock = (seconds) => new Date(seconds * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
const short = (n) => (n >= 1e6 ? `${n / 1e6} M` : n >= 1e3 ? `${n / 1e3} k` : `${n}`);

function tell(element, plot, raw) {
  const i = plot.cursor.idx;
  element.title = i == null ? "" : `${clock(raw[0][i])}\n${raw[1][i]} completed\n${raw[2][i]} failed, retried\n${raw[3][i]} dead`;
}

function draw(element) {
  const data = JSON.parse(element.dataset.series);
  const known = held.get(element);
  if (known) {
    known.data = data;
    known.plot.setData(stacked(data));
    return;
  }
  const entry = { data };
  entry.plot = new uPlot(options(element, () => entry.data), stacked(data), element);
  held.set(element, entry);
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
}
