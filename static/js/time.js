// Keeps relative times true between two refetches, and shows exact ones in UTC or in the zone of this computer.
import { word } from "./words.js";

const UNITS = [[60, 1, "s"], [3600, 60, "min"], [86400, 3600, "h"], [Infinity, 86400, "d"]];
const MONTH = new Intl.DateTimeFormat(document.documentElement.lang || "en", { month: "short", timeZone: "UTC" });
const KEY = "ironforge-zone";
const pad = (number, length = 2) => String(number).padStart(length, "0");

const isLocal = () => localStorage.getItem(KEY) === "local";

function distance(seconds, isBare) {
  const away = Math.abs(seconds);
  if (away < 1) return word("now");
  const [, per, unit] = UNITS.find(([limit]) => away < limit);
  const text = `${Math.floor(away / per)} ${unit}`;
  if (seconds < 0) return word("in", text);
  return isBare ? text : word("ago", text);
}

// The parts of a moment as the server writes them: 2026-11-25 07:25:45.251 UTC.
function parts(milliseconds) {
  const at = new Date(milliseconds);
  const shifted = isLocal() ? new Date(milliseconds - at.getTimezoneOffset() * 60_000) : at;
  return [shifted.toISOString().slice(0, 10), shifted.toISOString().slice(11, 23), isLocal() ? zone(at) : "UTC"];
}

function zone(at) {
  const minutes = -at.getTimezoneOffset();
  const size = Math.abs(minutes);
  return `UTC${minutes < 0 ? "−" : "+"}${pad(Math.floor(size / 60))}:${pad(size % 60)}`;
}

function exact(milliseconds, form) {
  const [day, clock, name] = parts(milliseconds);
  return form === "clock" ? clock : `${day} ${clock} ${name}`;
}

// 25 Nov
export const shortDay = (milliseconds) => {
  const [day] = parts(milliseconds);
  return `${Number(day.slice(8))} ${MONTH.format(new Date(day))}`;
};
export const shortClock = (milliseconds) => parts(milliseconds)[1].slice(0, 5);

export function tickTimes() {
  const now = Date.now();
  for (const element of document.querySelectorAll("time[data-form]")) {
    const { form } = element.dataset;
    const at = Date.parse(element.dateTime);
    const isRelative = form === "ago" || form === "age";
    const text = isRelative ? distance((now - at) / 1000, form === "age") : exact(at, form);
    if (element.textContent !== text) element.textContent = text;
    const title = exact(at, "full");
    if (element.title !== title) element.title = title;
  }
}

function showZone() {
  for (const name of document.querySelectorAll("[data-zone-name]")) name.textContent = isLocal() ? word("local") : "UTC";
  tickTimes();
  document.dispatchEvent(new CustomEvent("ironforge:zone"));
}

export function startTimes() {
  showZone();
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-zone-button]")) return;
    localStorage.setItem(KEY, isLocal() ? "utc" : "local");
    showZone();
  });
  setInterval(() => { if (!document.hidden) tickTimes(); }, 1000);
}
