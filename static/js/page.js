// Refetches the page's content and morphs it in; what htmx could not load is told in a toast.
import { drawCharts } from "./chart.js";
import { countTicks, isBusy } from "./forms.js";
import { ROOT } from "./place.js";
import { tickTimes } from "./time.js";
import { adoptToasts, toast } from "./toast.js";
import { word } from "./words.js";

export const page = () => document.getElementById("page");

export const address = () => location.pathname + location.search;

// What somebody opened or ticked while the answer was under way stays as it is, and so does another page they went to:
// the answer is dropped then.
let isDropped = false;
// How many requests that somebody made are under way. Their link or form must still be there when the answer comes.
let asking = 0;

// Returns "shown", "dropped", or "" where the server did not answer.
export async function refetch() {
  const target = page();
  const asked = address();
  let isAnswered = false;
  isDropped = false;
  const note = (event) => { if (event.detail.ctx.quiet) isAnswered = event.detail.ctx.response?.status < 500; };
  document.addEventListener("htmx:after:request", note);
  try {
    await htmx.ajax("GET", asked, { source: target, target: "#page", swap: "innerMorph", push: "false", quiet: true, asked });
  } catch {
    return "";
  } finally {
    document.removeEventListener("htmx:after:request", note);
  }
  if (!isAnswered) return "";
  return isDropped ? "dropped" : "shown";
}

// Shows a page that came without being asked for; its forms get this browser's token. Returns "shown" or "dropped".
export async function showPushed({ at, html }) {
  if (isBusy() || asking > 0 || at !== address()) return "dropped";
  const token = document.querySelector("#account input[name=csrfmiddlewaretoken]").value;
  const text = html.replaceAll('name="csrfmiddlewaretoken" value=""', `name="csrfmiddlewaretoken" value="${token}"`);
  isDropped = false;
  await htmx.swap({ sourceElement: page(), target: "#page", text, swap: "innerMorph", push: "false", quiet: true, asked: at });
  return isDropped ? "dropped" : "shown";
}

function count(step) {
  return (event) => { if (!event.detail.ctx.quiet) asking = Math.max(0, asking + step); };
}

function markSection() {
  const links = [...document.querySelectorAll(".nav-main a")];
  const here = location.pathname;
  const best = links.filter((link) => here === link.pathname || (link.pathname !== `${ROOT}console/` && here.startsWith(`${link.pathname}/`)))[0];
  for (const link of links) {
    if (link === best) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

function onSwap() {
  drawCharts();
  tickTimes();
  countTicks();
  adoptToasts();
}

// What a dialog asked is done, so it goes: else it would stand open before whatever takes its place on the page. One whose
// act was refused stays, with what was typed.
function closeAnswered({ quiet, text }) {
  if (quiet || !(text ?? "").includes('"toast-note success"')) return;
  for (const dialog of document.querySelectorAll("#page :popover-open")) dialog.hidePopover();
}

// A whole document where a fragment was expected: an error page from outside the console. It does not belong inside.
function onBeforeSwap(event) {
  const { ctx } = event.detail;
  if (ctx.quiet && (isBusy() || asking > 0 || ctx.asked !== address())) {
    isDropped = true;
    event.preventDefault();
    return;
  }
  closeAnswered(ctx);
  if (!/^\s*<!doctype/i.test(ctx.text || "")) return;
  event.preventDefault();
  if (ctx.response?.status < 400) location.assign(ctx.response.raw.url);
  else if (!ctx.quiet) toast(word("refused", ctx.response?.status));
}

// The address of an act is no page: only where it leads to may stand in the address bar.
function onBeforeHistory(event) {
  const { sourceElement, response } = event.detail;
  // A link leads to its page also where it stands in a form, as those of a list with ticks do.
  const form = sourceElement?.matches?.("a") ? null : sourceElement?.form ?? sourceElement?.closest?.("form");
  if (form?.method === "post" && !response?.raw?.redirected) event.preventDefault();
}

let path = location.pathname;

function onHistory() {
  markSection();
  if (location.pathname === path) return;
  path = location.pathname;
  scrollTo(0, 0);
  page().focus({ preventScroll: true });
  document.dispatchEvent(new CustomEvent("ironforge:page"));
}

export function startPage() {
  markSection();
  document.addEventListener("htmx:before:request", count(1));
  document.addEventListener("htmx:finally:request", count(-1));
  document.addEventListener("htmx:after:swap", onSwap);
  document.addEventListener("htmx:before:swap", onBeforeSwap);
  document.addEventListener("htmx:before:history:update", onBeforeHistory);
  document.addEventListener("htmx:after:history:update", onHistory);
  document.addEventListener("htmx:error", (event) => {
    if (!event.detail.ctx?.quiet) toast(word("unanswered"));
  });
}
