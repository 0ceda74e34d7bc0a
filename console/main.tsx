/** The page begins here: token, theme, and the first view. */
import "./style/tokens.css";
import "./style/base.css";
import "./style/parts.css";
import "./style/views.css";
import "uplot/dist/uPlot.min.css";
import { render } from "preact";
import { openSession } from "./api/session.ts";
import { App } from "./app.tsx";
import { restoreTheme } from "./theme.ts";

restoreTheme();
const token = openSession({ location, history, storage: sessionStorage });
const root = document.getElementById("page");
if (root !== null) render(<App token={token} />, root);
