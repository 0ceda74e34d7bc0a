/** The head of the page: name, ways, whether it is live, light or dark. */
import { useEffect, useState } from "preact/hooks";
import type { Connection } from "../api/connection.ts";
import { formatClock } from "../format/times.ts";
import type { Route } from "../route.ts";
import { type Theme, chooseTheme, currentTheme, onTheme } from "../theme.ts";

export function Head(props: {
  readonly route: Route;
  readonly connection: Connection;
  readonly access: "act" | "read" | null;
}) {
  const { view } = props.route;
  return (
    <header class="head">
      <a class="brand" href="/">
        <img src="/favicon.svg" alt="" width="22" height="22" />
        Driftmend
      </a>
      <nav aria-label="Views">
        <Way href="/" name="Models" here={view === "fleet" || view === "model"} />
        <Way href="/alerts" name="Alerts" here={view === "alerts" || view === "alert"} />
        <Way href="/runs" name="Runs" here={view === "runs" || view === "run"} />
      </nav>
      <div class="head-end">
        {props.access === "read" && (
          <span class="chip" title="This token may look and not act">
            read only
          </span>
        )}
        <LiveChip connection={props.connection} />
        <ThemeButton />
      </div>
    </header>
  );
}

function Way(props: { readonly href: string; readonly name: string; readonly here: boolean }) {
  return (
    <a href={props.href} aria-current={props.here ? "page" : undefined}>
      {props.name}
    </a>
  );
}

/** Told to screen readers only when it changes between live and lost, not at each beat. */
function LiveChip({ connection }: { readonly connection: Connection }) {
  const [state, setState] = useState(connection.state());
  useEffect(() => connection.subscribe(() => setState(connection.state())), [connection]);
  if (state.kind === "connecting") return <span class="chip">connecting</span>;
  if (state.kind === "live") {
    return (
      <span class="chip live" title="When the API answered last; all times on this page are UTC">
        <span class="beat" aria-hidden="true" />
        <span class="wide-only">live </span>
        <time class="num">{formatClock(state.atMs)} UTC</time>
      </span>
    );
  }
  return (
    <span class="chip lost" role="status">
      {state.sinceMs === null ? "not connected" : `lost since ${formatClock(state.sinceMs)} UTC`}
    </span>
  );
}

function ThemeButton() {
  const [theme, setTheme] = useState<Theme>(currentTheme());
  useEffect(() => onTheme(() => setTheme(currentTheme())), []);
  const other: Theme = theme === "dark" ? "light" : "dark";
  return (
    <button
      type="button"
      class="quiet"
      aria-label={`Use ${other} colours`}
      onClick={() => chooseTheme(other)}
    >
      {other === "dark" ? "Dark" : "Light"}
    </button>
  );
}
