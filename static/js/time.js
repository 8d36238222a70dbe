// Keeps relative times true between two refetches.
const UNITS = [[60, 1, "s"], [3600, 60, "min"], [86400, 3600, "h"], [Infinity, 86400, "d"]];

function distance(seconds) {
  const away = Math.abs(seconds);
  if (away < 1) return "now";
  const [, per, unit] = UNITS.find(([limit]) => away < limit);
  const text = `${Math.floor(away / per)} ${unit}`;
  return seconds < 0 ? `in ${text}` : `${text} ago`;
}

export function tickTimes() {
  const now = Date.now();
  for (const element of document.querySelectorAll("time[data-ago]")) {
    const text = distance((now - Number(element.dataset.ago)) / 1000);
    if (element.textContent !== text) element.textContent = text;
  }
}

export function startTimes() {
  setInterval(() => { if (!document.hidden) tickTimes(); }, 1000);
}
