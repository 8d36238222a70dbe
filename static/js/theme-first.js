// Sets light or dark before the first paint; `theme.js` lets people change it.
(() => {
  const chosen = localStorage.getItem("ironforge-theme") || "auto";
  const isDark = chosen === "dark" || (chosen === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.bsTheme = isDark ? "dark" : "light";
})();
