// The log of a running job follows its newest lines until somebody holds it still to read.
import { word } from "./words.js";

function hold(section, isHeld) {
  const button = section.querySelector("[data-log-hold]");
  button.setAttribute("aria-pressed", String(isHeld));
  button.querySelector("span").textContent = word(isHeld ? "held" : "following");
  // What is held, the live update passes over.
  section.toggleAttribute("hx-morph-skip", isHeld);
}

function onClick(event) {
  const section = event.target.closest("[data-log-hold]")?.closest("section");
  if (!section) return;
  const isHeld = !section.hasAttribute("hx-morph-skip");
  hold(section, isHeld);
  if (!isHeld) {
    section.querySelector(".log-box").scrollTop = 0;
    document.dispatchEvent(new CustomEvent("ironforge:stale"));
  }
}

// Another page must not keep the log of this one.
function onBeforeSwap(event) {
  if (event.detail.ctx.quiet) return;
  for (const section of document.querySelectorAll("#log[hx-morph-skip]")) hold(section, false);
}

export function startLogs() {
  document.addEventListener("click", onClick);
  document.addEventListener("htmx:before:swap", onBeforeSwap);
}
