/** The head of a model's view: state, version that serves, what the loop may do, and the newest figures. */
import type { LoopView, ModelView, NewestFigure, VersionsView } from "../../../contract/views.ts";
import { type Live, SECONDS, useApi, useLive } from "../../api/live.ts";
import { formatCount, formatShare } from "../../format/numbers.ts";
import { formatDay, formatSpan, formatTime } from "../../format/times.ts";
import { ActButton } from "../../parts/act-button.tsx";
import { Figure, Labelled, State, Tile } from "../../parts/figures.tsx";
import { ShareFigure } from "../../parts/share-figure.tsx";
import { alertPath, apiOf } from "../../route.ts";
import type { Looked } from "../model.tsx";

export function ModelHead({ looked }: { readonly looked: Looked }) {
  const { model } = looked;
  const api = apiOf(model.model);
  const loop = useLive<LoopView>(`${api}/loop`, SECONDS.sometimes);
  const versions = useLive<VersionsView>(`${api}/versions`, SECONDS.sometimes);
  return (
    <>
      <div class="title-line">
        <h1>{model.model}</h1>
        <State state={model.state} />
        {model.clock === "replay" && (
          <span class="chip" title="A replay announces the time of this model">
            replay
          </span>
        )}
      </div>
      <p class="lead">
        {upTo(model)} <Serving versions={versions} analyzed={model.analyzed} />
      </p>
      {model.alerts.map((alert) => (
        <a key={alert.id} class={`banner ${alert.severity}`} href={alertPath(alert.id)}>
          <State state={alert.severity} /> {alert.title}
        </a>
      ))}
      <LoopLine model={model.model} loop={loop} />
      <Tiles model={model} />
    </>
  );
}

/** Days wait for late labels where the document says so; minutes do not. */
function upTo({ analyzed, watched }: ModelView): string {
  if (analyzed === null) return "Nothing has been evaluated yet.";
  if (watched === null || watched <= analyzed)
    return `Evaluated up to ${formatTime(analyzed)} UTC.`;
  return `Evaluated up to ${formatTime(watched)} UTC, its days up to ${formatTime(analyzed)}.`;
}

function Serving(props: {
  readonly versions: Live<VersionsView>;
  readonly analyzed: string | null;
}) {
  const { versions, analyzed } = props;
  if (versions.status !== "ready" && versions.status !== "stale") return null;
  const { champion } = versions.data;
  if (champion === null) return <>No version is known to serve.</>;
  const own = versions.data.versions.find(({ version }) => version === champion);
  const promoted = own?.promoted ?? null;
  // What a replay found serving was adopted at a time of the wall: no moment of the model's own.
  const since = promoted !== null && promoted <= (analyzed ?? "") ? promoted : null;
  return (
    <>
      Version <strong>{champion}</strong> serves
      {since === null ? "." : ` since ${formatTime(since)}.`}
    </>
  );
}

const MODES: Readonly<Record<string, string>> = {
  paused: "The loop is paused: nothing is retrained or rolled out by itself.",
  observe: "The loop observes: it says when a retrain would be due, and starts none.",
  propose: "The loop proposes: a version that is proven better waits for approval.",
  auto: "The loop acts by itself: a version that is proven better is rolled out in steps.",
};

function LoopLine(props: { readonly model: string; readonly loop: Live<LoopView> }) {
  const { mayAct } = useApi();
  if (props.loop.status !== "ready" && props.loop.status !== "stale") return null;
  const { data } = props.loop;
  const path = `${apiOf(props.model)}/loop`;
  return (
    <div class="loop-line">
      <p>
        {MODES[data.mode ?? ""] ?? "Retraining is off: the document does not ask for it."}
        {data.override !== null && data.until !== null && ` Until ${formatTime(data.until)}.`}
      </p>
      {mayAct && data.mode !== null && (
        <div class="actions">
          {data.override === null ? (
            <ActButton
              name="Pause the loop"
              about="Nothing is retrained or rolled out by itself until it is resumed. A canary is still watched, and taken back when it is bad."
              path={path}
              body={{ mode: "paused" }}
              asks="reason"
            />
          ) : (
            <ActButton
              name="Resume the loop"
              about={`What the document says holds again: ${data.documentMode ?? "off"}.`}
              path={path}
              body={{ mode: "resume" }}
              asks="reason"
            />
          )}
          {data.documentMode !== null && (
            <ActButton
              name="Start a retrain"
              about="A run starts now, whatever the triggers say. The gate and the canary judge its version as any other."
              path={`${apiOf(props.model)}/runs`}
              body={{}}
              asks="reason"
            />
          )}
        </div>
      )}
    </div>
  );
}

function Tiles({ model }: { readonly model: ModelView }) {
  const { figures, traffic, drift } = model;
  return (
    <dl class="tiles">
      <FigureTile name="Skill" figure={figures["skill"]} hint="0 is no better than the base rate" />
      <FigureTile
        name="Calibration"
        figure={figures["calibration"]}
        hint="Mean prediction less share of positives"
      />
      <FigureTile name="Log-loss" figure={figures["log_loss"]} hint="Less is better" decimals={4} />
      <Tile
        name="Label coverage"
        hint="Predictions of the window that have a label by now"
        below={figures["coverage"] !== undefined && <Labelled {...figures["coverage"]} />}
      >
        <span class="num value">{formatShare(figures["coverage"]?.value)}</span>
      </Tile>
      <Tile
        name="Requests, last day"
        below={
          traffic !== null && (
            <>
              <ShareFigure part={traffic.errors} whole={traffic.predictions} /> errors
              <br />
              {formatDay(traffic.day)}
            </>
          )
        }
      >
        <span class="num value">{formatCount(traffic?.predictions)}</span>
      </Tile>
      <Tile
        name="Drifted features"
        below={drift === null ? "no week judged yet" : `week to ${formatDay(drift.to)}`}
      >
        <span class="num value">
          {drift === null ? "–" : `${drift.drifted} of ${drift.features}`}
        </span>
      </Tile>
    </dl>
  );
}

function FigureTile(props: {
  readonly name: string;
  readonly hint: string;
  readonly figure: NewestFigure | undefined;
  readonly decimals?: number;
}) {
  const { figure, decimals = 3 } = props;
  return (
    <Tile
      name={props.name}
      hint={props.hint}
      below={
        figure === undefined ? (
          "no window evaluated yet"
        ) : (
          <>
            <Labelled {...figure} />
            <br />
            {formatSpan(figure.from, figure.to)}
          </>
        )
      }
    >
      <Figure of={figure} decimals={decimals} />
    </Tile>
  );
}
