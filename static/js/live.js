// Live updates over one websocket: the server is told what this page is, and pushes it anew when something changed. Where
// it cannot it tells what changed, and the page's content is fetched again, at most once a second.
import { isBusy } from "./forms.js";
import { address, page, refetch, showPushed } from "./page.js";
import { ROOT } from "./place.js";
import { word } from "./words.js";

const GAP_MS = 1000;
const POLL_MS = 5000;
const STALE_MS = 15000;
const QUIET_LIMIT_MS = 45000;
// So long after its time a page that is pushed is fetched all the same.
const LATE_MS = 5000;

let socket = null;
let attempts = 0;
let isPaused = false;
let isWanted = false;
let isFetching = false;
let lastFetch = Date.now();
let lastGood = Date.now();
let lastFrame = Date.now();
let timer = 0;
let lastNumber = 0;
let lookedAt = "";
let isOwn = false;

const scope = () => page()?.querySelector("[data-live]")?.dataset ?? {};
const isStoreDown = () => page()?.querySelector("[data-store-down]") !== null;
const isOpen = () => socket?.readyState === WebSocket.OPEN;

function show() {
  const pill = document.getElementById("live-pill");
  const age = Math.round((Date.now() - lastGood) / 1000);
  let [state, text] = ["live", word("live")];
  if (isPaused) [state, text] = ["paused", word("paused")];
  else if (navigator.onLine === false || (!isOpen() && age * 1000 > STALE_MS * 2)) [state, text] = ["offline", word("offline")];
  else if ((!isOpen() && age * 1000 > STALE_MS) || isStoreDown()) [state, text] = ["stale", isStoreDown() ? word("store_down") : word("stale", age)];
  else if (!isOpen()) [state, text] = ["polling", word("polling")];
  if (pill.dataset.state !== state) pill.dataset.state = state;
  if (pill.textContent !== text) pill.textContent = text;
}

function concerns(frame) {
  const { live, liveId, liveQueue } = scope();
  if (!live) return false;
  if (live === "job") return frame.changes.some(([id]) => id === liveId) || frame.more;
  // A batch that touched several queues names none of them.
  if (live === "queue") return frame.queues.some((name) => name === liveQueue || name === "*");
  return live === "all";
}

function want() {
  isWanted = true;
  if (!timer) timer = setTimeout(run, Math.max(0, lastFetch + GAP_MS - Date.now()));
}

async function run() {
  timer = 0;
  if (!isWanted || isPaused || document.hidden || isFetching) return;
  if (scope().live === "none") {
    // A form that fills the page: what was typed must not be fetched away.
    isWanted = false;
    return;
  }
  if (isBusy()) {
    timer = setTimeout(run, GAP_MS);
    return;
  }
  isWanted = false;
  isFetching = true;
  lastFetch = Date.now();
  const outcome = await refetch();
  isFetching = false;
  lastFetch = Date.now();
  if (outcome) lastGood = lastFetch;
  if (outcome === "dropped") isWanted = true;
  show();
  if (isWanted) want();
}

// Says what the page is, if that is new. A page that says nothing of itself, such as an error, is another look at the same.
function look() {
  const { live, liveId, liveQueue, liveEvery } = scope();
  if (!isOpen() || !live || live === "none") return;
  const wish = JSON.stringify({ type: "look", at: address(), live, of: liveId ?? liveQueue ?? "", every: Number(liveEvery ?? 0) });
  if (wish === lookedAt) return;
  lookedAt = wish;
  isOwn = false;
  socket.send(wish);
}

async function onPage(data) {
  const text = await new Response(data.stream().pipeThrough(new DecompressionStream("gzip"))).text();
  const pushed = JSON.parse(text);
  if (isPaused || pushed.at !== address() || scope().live === "none") return;
  if (isFetching || await showPushed(pushed) === "dropped") {
    want();
    return;
  }
  lastFetch = Date.now();
  if (pushed.is_good) lastGood = lastFetch;
  show();
}

function onFrame(data) {
  lastFrame = Date.now();
  if (typeof data !== "string") {
    onPage(data);
    return;
  }
  const frame = JSON.parse(data);
  if (frame.type === "own") {
    isOwn = true;
    want();
  }
  if (frame.type === "same") lastFetch = lastGood = lastFrame;
  if (frame.type !== "events") return;
  // A number left out is a frame that was lost on its way.
  const isLost = lastNumber !== 0 && frame.n !== lastNumber + 1;
  lastNumber = frame.n;
  // What was told before the server knew what this page is comes with the page.
  if (lookedAt && !isOwn) return;
  if (isLost || frame.gap || concerns(frame)) want();
}

function connect() {
  if (socket || isPaused || document.hidden) return;
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const own = new WebSocket(`${scheme}://${location.host}${ROOT}console/ws`);
  socket = own;
  // One that was given up meanwhile may still open, tell and close: it must not be taken for the one in use.
  own.addEventListener("open", () => {
    if (socket !== own) return;
    attempts = 0;
    lastNumber = 0;
    lastFrame = Date.now();
    lookedAt = "";
    own.send(JSON.stringify({ type: "hello" }));
    // The page comes as it is by now; one that is not pushed is fetched, for whatever happened while we were not listening.
    look();
    if (!lookedAt) want();
    show();
  });
  own.addEventListener("message", (event) => {
    if (socket === own) onFrame(event.data);
  });
  own.addEventListener("close", () => {
    if (socket !== own) return;
    socket = null;
    attempts += 1;
    show();
    // Spread, so that a restarted server is not met by all browsers at once.
    setTimeout(connect, Math.min(15000, 500 * 2 ** Math.min(attempts, 5)) * (0.5 + Math.random()));
  });
}

function disconnect() {
  const old = socket;
  socket = null;
  old?.close(1000);
}

function beat() {
  if (isPaused || document.hidden) return;
  // A socket whose other end vanished stays open for minutes: the server says something every 20 s.
  if (isOpen() && Date.now() - lastFrame > QUIET_LIMIT_MS) socket.close();
  const since = Date.now() - lastFetch;
  // A worker that falls silent sends no event, and a minute that ends is none: such pages look again by themselves.
  const everyMs = Number(scope().liveEvery ?? 0) * 1000;
  const lateMs = isOpen() && lookedAt ? LATE_MS : 0;
  if ((!isOpen() && since > POLL_MS) || (isStoreDown() && since > 3000) || (everyMs && since > everyMs + lateMs)) want();
  show();
}

function setPaused(value) {
  isPaused = value;
  const button = document.getElementById("live-pause");
  const label = word(value ? "resume" : "pause");
  button.title = label;
  button.setAttribute("aria-label", label);
  button.querySelector("span").textContent = label;
  if (value) disconnect();
  else { lastGood = Date.now(); connect(); want(); }
  show();
}

export function startLive() {
  const button = document.getElementById("live-pause");
  button.hidden = false;
  button.addEventListener("click", () => setPaused(!isPaused));
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) { disconnect(); return; }
    connect();
    if (!isPaused) want();
  });
  document.addEventListener("ironforge:page", () => { lastFetch = Date.now(); });
  document.addEventListener("ironforge:stale", want);
  document.addEventListener("htmx:after:swap", look);
  document.addEventListener("htmx:after:history:update", look);
  addEventListener("online", show);
  addEventListener("offline", show);
  setInterval(beat, 1000);
  connect();
  show();
}
