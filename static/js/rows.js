// The rows of a list by keyboard: `j` and `k` go down and up, `x` ticks; Enter opens the link that has the focus.
const links = () => [...document.querySelectorAll("#page tbody > tr")].map((row) => row.querySelector("a[href]")).filter(Boolean);

export function moveTo(step) {
  const all = links();
  if (all.length === 0) return;
  const here = all.indexOf(document.activeElement?.closest?.("#page tbody > tr")?.querySelector("a[href]"));
  const next = here < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, here + step));
  all[next].focus();
  all[next].closest("tr").scrollIntoView({ block: "nearest" });
}

export function tickRow() {
  document.activeElement?.closest?.("#page tbody > tr")?.querySelector('input[type="checkbox"][name="id"]')?.click();
}
