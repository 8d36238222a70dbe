// The keyboard: `/` search, `g` and a letter for a page, `j` `k` `x` for rows, `p` pause, `?` help.
import { ROOT } from "./place.js";
import { moveTo, tickRow } from "./rows.js";

const PAGES = {
  o: "", j: "jobs", d: "dead-letters", e: "errors", q: "queues", w: "workers", s: "schedules", f: "workflows", l: "limits",
  h: "webhooks", a: "audit",
};
let pending = 0;

const isTyping = (target) => target.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable]") !== null;

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
  if (event.key === "/") {
    event.preventDefault();
    document.getElementById("search")?.focus();
  } else if (event.key === "?") {
    document.getElementById("help")?.togglePopover();
  } else if (event.key === "g") {
    pending = Date.now();
  } else if (Date.now() - pending < 1000 && Object.hasOwn(PAGES, event.key)) {
    pending = 0;
    location.assign(`${ROOT}console/${PAGES[event.key]}`);
  } else if (event.key === "j" || event.key === "k") {
    moveTo(event.key === "j" ? 1 : -1);
  } else if (event.key === "x") {
    tickRow();
  } else if (event.key === "p") {
    document.getElementById("live-pause")?.click();
  }
}

export function startKeys() {
  document.addEventListener("keydown", onKey);
}
