// The graph of a workflow: fitted whole at first, then zoomed and moved by buttons, keys, wheel with Ctrl, mouse and fingers.
const CLOSEST = 2;
const STEP = 1.3;
const NUDGE = 60;
const LOWEST = 280;
const HIGHEST = 640;
// So far a pointer moves before it drags: less is a click on a step.
const SLACK = 4;

let frame = null;
let size = { width: 1, height: 1 };
// What is seen: the upper left corner in units of the drawing, and pixels for each of them. `isFitted` follows the window.
let view = { x: 0, y: 0, k: 1, isFitted: true };
const fingers = new Map();
let hasDragged = false;

const drawing = () => frame.querySelector("svg.drawing");
const fit = () => Math.min(1, frame.clientWidth / size.width, frame.clientHeight / size.height);
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

// A drawing smaller than its frame stands in the middle; a larger one is never moved out of sight.
function within(at, seen, whole) {
  return seen >= whole ? (whole - seen) / 2 : clamp(at, 0, whole - seen);
}

function show() {
  const [width, height] = [frame.clientWidth / view.k, frame.clientHeight / view.k];
  view.x = within(view.x, width, size.width);
  view.y = within(view.y, height, size.height);
  const svg = drawing();
  svg.setAttribute("viewBox", `${view.x} ${view.y} ${width} ${height}`);
  svg.setAttribute("width", frame.clientWidth);
  svg.setAttribute("height", frame.clientHeight);
  frame.classList.toggle("is-zoomed", view.k > fit() * 1.01);
  for (const place of document.querySelectorAll("[data-graph-scale]")) place.textContent = `${Math.round(view.k * 100)} %`;
}

// The frame is as high as the fitted drawing, but on a narrow screen high enough to look at parts of it.
function measure() {
  const fitted = size.height * Math.min(1, frame.clientWidth / size.width);
  const height = clamp(fitted, Math.min(LOWEST, size.height), Math.max(Math.min(innerHeight * 0.7, HIGHEST), 160));
  frame.style.height = `${Math.round(height)}px`;
}

function whole() {
  measure();
  view = { x: 0, y: 0, k: fit(), isFitted: true };
  show();
}

// Zooms so that the point of the frame (pixels) stays where it is.
function zoom(factor, px = frame.clientWidth / 2, py = frame.clientHeight / 2) {
  const k = clamp(view.k * factor, Math.min(fit(), 1), CLOSEST);
  view = { x: view.x + px / view.k - px / k, y: view.y + py / view.k - py / k, k, isFitted: false };
  show();
}

function move(dx, dy) {
  view.x += dx / view.k;
  view.y += dy / view.k;
  view.isFitted = false;
  show();
}

const ACTS = {
  in: () => zoom(STEP),
  out: () => zoom(1 / STEP),
  fit: whole,
  full: () => zoom(1 / view.k),
};
const KEYS = {
  "+": ACTS.in, "=": ACTS.in, "-": ACTS.out, 0: ACTS.fit, 1: ACTS.full,
  ArrowLeft: () => move(-NUDGE, 0), ArrowRight: () => move(NUDGE, 0), ArrowUp: () => move(0, -NUDGE), ArrowDown: () => move(0, NUDGE),
};

const inFrame = (event) => frame !== null && event.target.closest?.(".graph") === frame;

function pointOf({ clientX, clientY }) {
  const box = frame.getBoundingClientRect();
  return [clientX - box.left, clientY - box.top];
}

function onKey(event) {
  if (!inFrame(event) || event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(KEYS, event.key)) return;
  event.preventDefault();
  KEYS[event.key]();
}

function onWheel(event) {
  // Without the key the page scrolls, as anywhere.
  if (!inFrame(event) || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  zoom(Math.exp(-clamp(event.deltaY, -100, 100) / 200), ...pointOf(event));
}

function onDown(event) {
  if (!inFrame(event) || event.button !== 0) return;
  fingers.set(event.pointerId, pointOf(event));
  hasDragged = false;
}

function spread(points) {
  const [[ax, ay], [bx, by]] = points;
  return { apart: Math.hypot(ax - bx, ay - by), x: (ax + bx) / 2, y: (ay + by) / 2 };
}

function onMove(event) {
  const before = fingers.get(event.pointerId);
  if (!before) return;
  const now = pointOf(event);
  const isFar = Math.hypot(now[0] - before[0], now[1] - before[1]) > SLACK;
  if (fingers.size === 1 && (event.pointerType === "mouse" || frame.classList.contains("is-zoomed"))) {
    if (!hasDragged && !isFar) return;
    if (!hasDragged) frame.setPointerCapture(event.pointerId);
    hasDragged = true;
    move(before[0] - now[0], before[1] - now[1]);
  } else if (fingers.size === 2) {
    const old = spread([...fingers.values()]);
    fingers.set(event.pointerId, now);
    const next = spread([...fingers.values()]);
    hasDragged = true;
    if (old.apart) zoom(next.apart / old.apart, next.x, next.y);
    move(old.x - next.x, old.y - next.y);
  }
  fingers.set(event.pointerId, now);
}

function onClick(event) {
  const button = event.target.closest?.("[data-graph]");
  if (button && frame) ACTS[button.dataset.graph]();
  // The end of a drag on a step is no click on it.
  if (hasDragged && inFrame(event)) event.preventDefault();
  hasDragged = false;
}

// A step that gets the focus is brought into sight.
function onFocus(event) {
  const step = inFrame(event) && event.target.closest("foreignObject");
  // With the mouse it is seen already, and must not move under the click.
  if (!step || !event.target.matches(":focus-visible")) return;
  frame.scrollTo(0, 0);
  const { x, y, width, height } = Object.fromEntries(["x", "y", "width", "height"].map((name) => [name, Number(step.getAttribute(name))]));
  const [seenWidth, seenHeight] = [frame.clientWidth / view.k, frame.clientHeight / view.k];
  if (x >= view.x && y >= view.y && x + width <= view.x + seenWidth && y + height <= view.y + seenHeight) return;
  view = { ...view, x: x + width / 2 - seenWidth / 2, y: y + height / 2 - seenHeight / 2 };
  show();
}

function onResize() {
  if (view.isFitted) whole();
  else show();
}

const watched = new ResizeObserver(onResize);

// After each update: the drawing comes as the server made it, and is shown as people left it.
function adopt() {
  const found = document.querySelector("#page .graph");
  if (found !== frame) {
    watched.disconnect();
    frame = found;
    view.isFitted = true;
    fingers.clear();
    if (frame) watched.observe(frame);
  }
  if (!frame) return;
  frame.classList.add("is-driven");
  size = { width: Number(drawing().dataset.width), height: Number(drawing().dataset.height) };
  onResize();
}

export function startGraphs() {
  document.addEventListener("keydown", onKey);
  document.addEventListener("wheel", onWheel, { passive: false });
  document.addEventListener("pointerdown", onDown);
  document.addEventListener("pointermove", onMove);
  for (const name of ["pointerup", "pointercancel"]) document.addEventListener(name, (event) => fingers.delete(event.pointerId));
  document.addEventListener("click", onClick, true);
  document.addEventListener("focusin", onFocus);
  document.addEventListener("dragstart", (event) => { if (inFrame(event)) event.preventDefault(); });
  document.addEventListener("htmx:after:swap", adopt);
  adopt();
}
