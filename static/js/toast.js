// Notes of what was done. They go by themselves, but not while somebody reads or reaches for them.
import { word } from "./words.js";

const STAY_MS = 7000;
// One with a link is to be reached, also by keyboard.
const STAY_WITH_LINK_MS = 15000;

function expire(note) {
  if (note.matches(":hover, :focus-within")) setTimeout(() => expire(note), 2000);
  else note.remove();
}

// A dialog lies above everything; what is said about it has to lie above the dialog.
function raise() {
  const box = document.getElementById("toasts");
  if (box.matches(":popover-open")) box.hidePopover();
  box.popover = document.querySelector("#page :popover-open") ? "manual" : null;
  if (box.popover) box.showPopover();
}

export function adoptToasts() {
  for (const note of document.querySelectorAll("[data-toast]:not([data-seen])")) {
    note.dataset.seen = "yes";
    if (!note.classList.contains("error")) setTimeout(() => expire(note), note.querySelector("a") ? STAY_WITH_LINK_MS : STAY_MS);
  }
  raise();
}

export function toast(text, level = "error") {
  const note = document.createElement("div");
  note.className = `toast-note ${level}`;
  note.dataset.toast = "";
  const said = document.createElement("span");
  said.textContent = text;
  const close = document.createElement("button");
  close.className = "quiet-button";
  close.type = "button";
  close.dataset.dismiss = "";
  close.textContent = word("dismiss");
  note.append(said, close);
  document.getElementById("toasts")?.append(note);
  adoptToasts();
}

// A click beside a dialog closes it, also one on a note about it: the dialog comes back then.
let under = null;

function onDown(event) {
  under = event.target.closest?.("#toasts") ? document.querySelector("#page :popover-open") : null;
}

function onClick(event) {
  event.target.closest("[data-dismiss]")?.closest("[data-toast]")?.remove();
  if (under?.isConnected && !under.matches(":popover-open")) under.showPopover();
  under = null;
}

export function startToasts() {
  adoptToasts();
  document.addEventListener("pointerdown", onDown, true);
  document.addEventListener("click", onClick);
}
