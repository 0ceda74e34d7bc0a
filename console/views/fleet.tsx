/** Every model on one screen: state, traffic, skill, drift, last change; what is wrong stands first. */
import { useState } from "preact/hooks";
import type { AlertView } from "../../contract/alert.ts";
import type { ModelView, ModelsView } from "../../contract/views.ts";
import { SECONDS, useLive } from "../api/live.ts";
import { Sparkline } from "../charts/sparkline.tsx";
import { formatCount } from "../format/numbers.ts";
import { formatDay, formatSpan, formatTime } from "../format/times.ts";
import { Figure, Labelled, State } from "../parts/figures.tsx";
import { Command } from "../parts/command.tsx";
import { Empty, Show } from "../parts/states.tsx";
import { ShareFigure } from "../parts/share-figure.tsx";
import { alertPath, modelPath } from "../route.ts";
import { fleetSummary, orderModels } from "../view-models/fleet.ts";

const SEARCH_FROM = 6;

export function FleetPage() {
  const live = useLive<ModelsView>("/api/v1/models", SECONDS.often);
  return (
    <>
      <h1>Models</h1>
      <OwnAlerts />
      <Show live={live} what="the models" whole>
        {({ models }) => (models.length === 0 ? <NoModels /> : <Fleet models={models} />)}
      </Show>
    </>
  );
}

/** What is wrong with Driftmend itself stands first: the figures below may be old because of it. */
function OwnAlerts() {
  const live = useLive<{ alerts: AlertView[] }>(
    "/api/v1/alerts?model=driftmend&state=firing",
    SECONDS.often,
  );
  if (live.status !== "ready" && live.status !== "stale") return null;
  return (
    <>
      {live.data.alerts
        .filter(({ kind }) => kind === "self")
        .map((alert) => (
          <a key={alert.id} class={`banner ${alert.severity}`} href={alertPath(alert.id)}>
            <State state={alert.severity} /> Driftmend itself: {alert.title}
          </a>
        ))}
    </>
  );
}

function NoModels() {
  return (
    <Empty title="No model has been seen yet">
      <p>
        Send predictions to the agent from any OpenTelemetry SDK (docs/capture.md), and the model is
        here within seconds. To see the example on real flights:
      </p>
      <Command text="npm start" />
    </Empty>
  );
}

function Fleet({ models }: { readonly models: readonly ModelView[] }) {
  const [search, setSearch] = useState("");
  const shown = orderModels(models, search);
  return (
    <>
      <div class="fleet-head">
        <p class="lead">{fleetSummary(models)}</p>
        {models.length >= SEARCH_FROM && (
          <input
            type="search"
            placeholder="Find a model"
            aria-label="Find a model"
            value={search}
            onInput={(event) => setSearch(event.currentTarget.value)}
          />
        )}
      </div>
      {shown.length === 0 ? (
        <Empty title={`No model is called like “${search}”`} />
      ) : (
        <table class="fleet">
          <thead>
            <tr>
              <th scope="col">Model</th>
              <th scope="col">State</th>
              <th scope="col">Traffic, last day</th>
              <th scope="col">Skill, last week</th>
              <th scope="col">Drift</th>
              <th scope="col">Last change</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((model) => (
              <FleetRow key={model.model} model={model} />
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}

function FleetRow({ model }: { readonly model: ModelView }) {
  const { figures } = model;
  return (
    <tr class={model.status === "retired" ? "retired" : ""}>
      <th scope="row" data-name="Model">
        <a href={modelPath(model.model)}>{model.model}</a>
        {model.status !== "active" && (
          <span class="below">
            {model.status === "retired" ? "retired" : "no document: built-in defaults"}
          </span>
        )}
      </th>
      <td data-name="State">
        <State state={model.state} />
        {model.alerts.map((alert) => (
          <a key={alert.id} class="below" href={alertPath(alert.id)}>
            {alert.title}
          </a>
        ))}
      </td>
      <td data-name="Traffic, last day">
        <TrafficCell model={model} />
      </td>
      <td data-name="Skill, last week">
        <div class="with-spark">
          <div>
            <Figure of={figures["skill"]} />
            {figures["skill"] !== undefined && (
              <span class="below">
                <Labelled {...figures["skill"]} />
                <br />
                {formatSpan(figures["skill"].from, figures["skill"].to)}
              </span>
            )}
          </div>
          <Sparkline kind="line" zero values={model.skillWeeks.map(({ value }) => value)} />
        </div>
      </td>
      <td data-name="Drift">
        <DriftCell drift={model.drift} />
      </td>
      <td data-name="Last change">
        {model.lastChange === null ? (
          <span class="muted">none yet</span>
        ) : (
          <>
            {model.lastChange.what}
            <span class="below num">{formatTime(model.lastChange.at)}</span>
          </>
        )}
      </td>
    </tr>
  );
}

function TrafficCell({ model }: { readonly model: ModelView }) {
  const { traffic, trafficHours } = model;
  if (traffic === null) return <span class="muted">none yet</span>;
  return (
    <div class="with-spark">
      <div>
        <span class="num value">{formatCount(traffic.predictions)}</span>
        <span class="below">
          {traffic.errors === 0 ? (
            "no errors"
          ) : (
            <>
              <ShareFigure part={traffic.errors} whole={traffic.predictions} /> errors
            </>
          )}
          <br />
          {formatDay(traffic.day)}
        </span>
      </div>
      {trafficHours !== null && <Sparkline kind="area" values={trafficHours.predictions} />}
    </div>
  );
}

function DriftCell({ drift }: { readonly drift: ModelView["drift"] }) {
  if (drift === null) return <span class="muted">no week judged yet</span>;
  return (
    <>
      <span class={drift.drifted > 0 ? "value bad-text" : "value"}>
        {drift.drifted} of {drift.features}
      </span>{" "}
      features
      <span class="below num">week to {formatDay(drift.to)}</span>
    </>
  );
}
