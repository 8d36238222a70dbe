// The console's own scripts, started once for each full load of a page.
import { startCharts } from "./chart.js";
import { startForms } from "./forms.js";
import { startGraphs } from "./graph.js";
import { startKeys } from "./keys.js";
import { startLive } from "./live.js";
import { startLogs } from "./log.js";
import { startPalette } from "./palette.js";
import { startPage } from "./page.js";
import { startReveals } from "./reveal.js";
import { startTheme } from "./theme.js";
import { startTimes } from "./time.js";
import { startToasts } from "./toast.js";

startTheme();
startToasts();
startForms();
startKeys();
startTimes();
startCharts();
startPage();
startPalette();
startReveals();
startLogs();
startGraphs();
startLive();
