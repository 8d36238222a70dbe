// The console's own scripts, started once for each full load of a page.
import { startCharts } from "./chart.js";
import { startForms } from "./forms.js";
import { startKeys } from "./keys.js";
import { startLive } from "./live.js";
import { startPage } from "./page.js";
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
startLive();
