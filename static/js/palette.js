// The palette, Ctrl-K or ⌘K: pages, queues, acts and jobs by their id, narrowed by what is typed. A dialog with a combobox.
import { ROOT } from "./place.js";

const MOST_SHOWN = 12;
const JOB_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

// Ids are found before the server has said what it offers.
let offered = { items: [], find: `${ROOT}console/find` };
let shown = [];
let at = 0;

const dialog = () => document.getElementById("palette");
const field = () => document.getElementById("palette-text");
const list = () => document.getElementById("palette-list");

// All words must be in the label or its group; a label that begins with the text goes first.
function found(text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = ({ label, group }) => words.every((word) => `${label} ${group}`.toLowerCase().includes(word));
  const rank = ({ label }) => (label.toLowerCase().startsWith(text.toLowerCase()) ? 0 : 1);
  const items = offered.items.filter(fits).sort((a, b) => rank(a) - rank(b)).slice(0, MOST_SHOWN);
  const find = { group: dialog().dataset.find, url: `${offered.find}?q=${encodeURIComponent(text)}`, label: text };
  if (JOB_ID.test(text)) return [{ ...find, group: dialog().dataset.single }, ...items];
  return text ? [...items, find] : items;
}

function mark() {
  const options = list().children;
  for (const [number, option] of [...options].entries()) option.setAttribute("aria-selected", String(number === at));
  options[at]?.scrollIntoView({ block: "nearest" });
  if (options[at]) field().setAttribute("aria-activedescendant", options[at].id);
  else field().removeAttribute("aria-activedescendant");
}

function optionOf({ label, group }, number) {
  const option = document.createElement("li");
  option.id = `palette-${number}`;
  option.setAttribute("role", "option");
  option.dataset.number = number;
  const [name, kind] = [document.createElement("span"), document.createElement("small")];
  name.textContent = label;
  kind.textContent = group;
  option.append(name, kind);
  return option;
}

function draw() {
  shown = found(field().value.trim());
  at = 0;
  list().replaceChildren(...shown.map(optionOf));
  field().setAttribute("aria-expanded", String(shown.length > 0));
  document.getElementById("palette-none").hidden = shown.length > 0;
  mark();
}

// An act is sent as a form of the page would send it, and leads back here.
function send(url) {
  const form = document.createElement("form");
  form.method = "post";
  form.action = url;
  const fields = { csrfmiddlewaretoken: dialog().querySelector("[name=csrfmiddlewaretoken]").value, back: location.pathname + location.search };
  for (const [name, value] of Object.entries(fields)) {
    const input = document.createElement("input");
    [input.type, input.name, input.value] = ["hidden", name, value];
    form.append(input);
  }
  document.body.append(form);
  form.submit();
}

function choose(item) {
  if (!item) return;
  dialog().close();
  if (item.post) send(item.url);
  else {
    location.assign(item.url);
    // On the page itself only the part behind # changes, and nothing is loaded.
    openNamed();
  }
}

// `#bulk` and the like name a dialog of the page.
function openNamed() {
  const named = location.hash.slice(1);
  const sheet = named ? document.getElementById(named) : null;
  if (sheet?.matches("#page [popover]:not(:popover-open)")) sheet.showPopover();
}

async function open() {
  if (dialog().open) return;
  field().value = "";
  dialog().showModal();
  draw();
  try {
    const answer = await fetch(dialog().dataset.url, { headers: { Accept: "application/json" } });
    if (answer.ok) offered = await answer.json();
  } catch {
    // What was offered before is still there, and ids can be typed.
  }
  if (dialog().open) draw();
}

function onKey(event) {
  if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k") {
    event.preventDefault();
    if (dialog().open) dialog().close();
    else open();
  }
}

function onFieldKey(event) {
  const steps = { ArrowDown: 1, ArrowUp: -1 };
  if (event.key in steps && shown.length) {
    event.preventDefault();
    at = (at + steps[event.key] + shown.length) % shown.length;
    mark();
  } else if (event.key === "Enter" && !event.isComposing) {
    event.preventDefault();
    choose(shown[at]);
  }
}

export function startPalette() {
  if (!dialog()) return;
  document.addEventListener("keydown", onKey);
  document.getElementById("palette-open").addEventListener("click", open);
  field().addEventListener("input", draw);
  field().addEventListener("keydown", onFieldKey);
  list().addEventListener("click", (event) => choose(shown[event.target.closest("[role=option]")?.dataset.number]));
  dialog().addEventListener("click", (event) => { if (event.target === dialog()) dialog().close(); });
  openNamed();
}
