// The button that goes round light, dark and auto.
import { word } from "./words.js";

const ORDER = ["auto", "light", "dark"];
const system = matchMedia("(prefers-color-scheme: dark)");

const chosen = () => localStorage.getItem("ironforge-theme") || "auto";

function apply() {
  const name = chosen();
  const isDark = name === "dark" || (name === "auto" && system.matches);
  document.documentElement.dataset.bsTheme = isDark ? "dark" : "light";
  for (const label of document.querySelectorAll("[data-theme-name]")) label.textContent = word(ORDER.includes(name) ? name : "auto");
  document.dispatchEvent(new CustomEvent("ironforge:theme"));
}

export function startTheme() {
  apply();
  system.addEventListener("change", apply);
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-button]")) return;
    const next = ORDER[(ORDER.indexOf(chosen()) + 1) % ORDER.length];
    localStorage.setItem("ironforge-theme", next);
    apply();
  });
}
