// Fields that were masked are shown for a while: then they are taken off the page, whether or not the server answers.
import { page, refetch } from "./page.js";

let timer = 0;
let until = 0;

function hide(banner) {
  for (const field of page().querySelectorAll(".revealed")) field.replaceChildren("[masked]");
  banner.remove();
  refetch();
}

function tick() {
  const banner = page()?.querySelector("[data-revealed]");
  if (!banner) {
    clearInterval(timer);
    timer = 0;
    return;
  }
  const left = Math.ceil((until - Date.now()) / 1000);
  banner.querySelector("[data-left]").textContent = Math.max(left, 0);
  if (left <= 0) hide(banner);
}

function watch() {
  const banner = page()?.querySelector("[data-revealed]:not([data-seen])");
  if (!banner) return;
  banner.dataset.seen = "yes";
  until = Date.now() + Number(banner.dataset.revealed) * 1000;
  if (!timer) timer = setInterval(tick, 1000);
}

export function startReveals() {
  document.addEventListener("htmx:after:swap", watch);
  watch();
}
