// Small help for forms: submit on change, tick all, count the ticks, copy, and a word about JSON that does not parse.
import { word } from "./words.js";

export function countTicks() {
  const ticked = document.querySelectorAll('#page input[name="id"]:checked').length;
  for (const button of document.querySelectorAll("[data-needs-ticks]")) button.disabled = ticked === 0;
  for (const place of document.querySelectorAll("[data-ticks]")) place.textContent = ticked ? `(${ticked})` : "";
}

function onChange(event) {
  const all = event.target.closest("[data-tick-all]");
  if (all) {
    for (const box of all.closest("table").querySelectorAll('input[name="id"]')) box.checked = all.checked;
    countTicks();
    return;
  }
  if (event.target.matches('input[name="id"]')) countTicks();
  // A time is changed digit by digit: it is taken when the form is sent.
  if (event.target.type === "datetime-local") return;
  event.target.closest("[data-submit-on-change]")?.closest("form")?.requestSubmit();
}

function onInput(event) {
  const field = event.target.closest("[data-json]");
  if (!field) return;
  try {
    JSON.parse(field.value);
    field.setCustomValidity("");
  } catch (error) {
    field.setCustomValidity(word("no_json", error.message));
  }
}

async function onClick(event) {
  event.target.closest("[data-closes]")?.closest("[popover]")?.hidePopover();
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  button.setAttribute("aria-label", word("copied"));
  button.title = word("copied");
  button.dataset.copied = "yes";
}

export function startForms() {
  countTicks();
  document.addEventListener("change", onChange);
  document.addEventListener("input", onInput);
  document.addEventListener("click", onClick);
}

export const isBusy = () =>
  document.querySelector("#page :popover-open, #page [data-revealed]") !== null
  || document.querySelector('#page input[name="id"]:checked') !== null
  || document.activeElement?.closest?.("#page input:not([type=checkbox]), #page textarea, #page select") != null;
