// Notes of what was done. They go by themselves, but not while somebody reads or reaches for them.
const STAY_MS = 7000;

function expire(note) {
  if (note.matches(":hover, :focus-within")) setTimeout(() => expire(note), 2000);
  else note.remove();
}

export function adoptToasts() {
  for (const note of document.querySelectorAll("[data-toast]:not([data-seen])")) {
    note.dataset.seen = "yes";
    if (!note.classList.contains("error")) setTimeout(() => expire(note), STAY_MS);
  }
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
  close.textContent = "Dismiss";
  note.append(said, close);
  document.getElementById("toasts")?.append(note);
  adoptToasts();
}

export function startToasts() {
  adoptToasts();
  document.addEventListener("click", (event) => event.target.closest("[data-dismiss]")?.closest("[data-toast]")?.remove());
}
