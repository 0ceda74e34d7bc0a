/** Every alert, what fires first; filtered by state. */
import { useState } from "preact/hooks";
import type { AlertView } from "../../contract/alert.ts";
import { SECONDS, useLive } from "../api/live.ts";
import { formatCount } from "../format/numbers.ts";
import { formatDuration, formatTime } from "../format/times.ts";
import { Choice, State } from "../parts/figures.tsx";
import { Empty, Show } from "../parts/states.tsx";
import { alertPath, modelPath } from "../route.ts";

const STATES = [
  { value: "open", text: "Open" },
  { value: "all", text: "All" },
] as const;

export function AlertsPage() {
  const live = useLive<{ alerts: AlertView[]; total: number }>("/api/v1/alerts", SECONDS.often);
  const [shown, setShown] = useState<(typeof STATES)[number]["value"]>("all");
  return (
    <>
      <div class="title-line">
        <h1>Alerts</h1>
        <Choice name="Which alerts" options={STATES} value={shown} choose={setShown} />
      </div>
      <Show live={live} what="the alerts" whole>
        {({ alerts, total }) => (
          <>
            <AlertList
              alerts={alerts.filter(({ state }) => shown === "all" || state !== "resolved")}
              all={shown === "all"}
            />
            {total > alerts.length && (
              <p class="note">
                {formatCount(total - alerts.length)} more are not shown: “driftmend alerts --model
                …” lists those of one model.
              </p>
            )}
          </>
        )}
      </Show>
    </>
  );
}

const OPEN_FIRST = { firing: 0, pending: 1, resolved: 2 } as const;

function AlertList(props: { readonly alerts: readonly AlertView[]; readonly all: boolean }) {
  if (props.alerts.length === 0) {
    return (
      <Empty
        title={props.all ? "There has been no alert" : "Nothing is wrong that anybody was told of"}
      >
        <p>
          Alerts are few on purpose: pages for a service that fails, tickets for a model that is
          beyond doubt worse or for broken inputs.
        </p>
      </Empty>
    );
  }
  const alerts = props.alerts.toSorted(
    (a, b) => OPEN_FIRST[a.state] - OPEN_FIRST[b.state] || b.from.localeCompare(a.from),
  );
  return (
    <table class="fleet alerts">
      <thead>
        <tr>
          <th scope="col">Alert</th>
          <th scope="col">Severity</th>
          <th scope="col">Model</th>
          <th scope="col">State</th>
          <th scope="col">Since</th>
          <th scope="col">Lasted</th>
        </tr>
      </thead>
      <tbody>
        {alerts.map((alert) => (
          <AlertRow key={alert.id} alert={alert} />
        ))}
      </tbody>
    </table>
  );
}

function AlertRow({ alert }: { readonly alert: AlertView }) {
  const lasted = alert.to === null ? null : Date.parse(alert.to) - Date.parse(alert.from);
  return (
    <tr class={alert.state === "resolved" ? "over" : ""}>
      <th scope="row" data-name="Alert">
        <a href={alertPath(alert.id)}>{alert.title}</a>
        <span class="below">{alert.text}</span>
      </th>
      <td data-name="Severity">
        <State state={alert.severity} />
      </td>
      <td data-name="Model">
        {alert.kind === "self" ? alert.model : <a href={modelPath(alert.model)}>{alert.model}</a>}
      </td>
      <td data-name="State">
        {alert.state}
        {alert.silenced !== null && <span class="below">silenced</span>}
        {alert.acknowledged !== null && (
          <span class="below">acknowledged by {alert.acknowledged.by}</span>
        )}
      </td>
      <td data-name="Since" class="num">
        {formatTime(alert.from)}
      </td>
      <td data-name="Lasted" class="num">
        {lasted === null ? "still" : formatDuration(lasted)}
      </td>
    </tr>
  );
}
