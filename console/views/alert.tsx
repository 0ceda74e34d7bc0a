/** One alert as the person on call reads it: the whole explanation in the order in which it is needed, then what to do. */
import type { AlertDetail } from "../../contract/alert.ts";
import { SECONDS, useApi, useLive } from "../api/live.ts";
import { formatDuration, formatTime } from "../format/times.ts";
import { ActButton } from "../parts/act-button.tsx";
import { Command } from "../parts/command.tsx";
import { Part, State } from "../parts/figures.tsx";
import { Show } from "../parts/states.tsx";
import { apiOf, modelPath } from "../route.ts";
import { AlertEvidence } from "./alert/evidence.tsx";
import { AlertRowsPart } from "./alert/rows.tsx";
import { AroundPart } from "./alert/around.tsx";

export function AlertPage({ id }: { readonly id: string }) {
  const path = `/api/v1/alerts/${encodeURIComponent(id)}`;
  const live = useLive<AlertDetail>(path, SECONDS.often);
  return (
    <Show live={live} what="the alert" whole>
      {(alert) => (
        <>
          <AlertHead alert={alert} />
          <Explanation alert={alert} />
          <AlertEvidence alert={alert} />
          <AroundPart alert={alert} />
          <AlertRowsPart alert={alert} />
        </>
      )}
    </Show>
  );
}

function AlertHead({ alert }: { readonly alert: AlertDetail }) {
  const { mayAct } = useApi();
  return (
    <>
      <p class="crumb">
        <a href="/alerts">Alerts</a> /{" "}
        {isOwn(alert) ? alert.model : <a href={modelPath(alert.model)}>{alert.model}</a>} /{" "}
        {alert.kind}
      </p>
      <div class="title-line">
        <h1>{alert.title}</h1>
        <State state={alert.severity} />
      </div>
      <p class="lead num">{spanText(alert)}</p>
      {alert.acknowledged !== null && (
        <p class="note">
          Acknowledged by {alert.acknowledged.by}, {formatTime(alert.acknowledged.at)}.
        </p>
      )}
      {alert.silenced !== null && (
        <p class="note">
          Silenced until {formatTime(alert.silenced.until)} by {alert.silenced.by}:{" "}
          {alert.silenced.reason}
        </p>
      )}
      {mayAct && <AlertActions alert={alert} />}
    </>
  );
}

function AlertActions({ alert }: { readonly alert: AlertDetail }) {
  const path = `/api/v1/alerts/${encodeURIComponent(alert.id)}`;
  return (
    <div class="actions">
      <ActButton
        name="Acknowledge"
        about="Says that somebody looks at it. The alert goes on and resolves by itself."
        path={`${path}/acknowledge`}
        body={{}}
        asks="nothing"
      />
      <ActButton
        name="Silence"
        about="Nobody is told of this alert for a while; it stays in the list."
        path={`${path}/silence`}
        body={{}}
        asks="duration"
      />
      {!isOwn(alert) && <LoopActions model={alert.model} />}
      {alert.finding !== null && (
        <ActButton
          name="Release the quarantine"
          about="These rows go into data sets again, and a due retrain is no longer answered with INVESTIGATE."
          path={`/api/v1/quarantine/${encodeURIComponent(alert.subject)}/release`}
          body={{}}
          asks="nothing"
          grave
        />
      )}
    </div>
  );
}

/** About Driftmend itself: there is no model to look at, no loop to pause, no version to go back to. */
const isOwn = ({ kind }: AlertDetail): boolean => kind === "self";

function LoopActions({ model }: { readonly model: string }) {
  return (
    <>
      <ActButton
        name="Pause the loop"
        about={`Nothing of ${model} is retrained or rolled out by itself until it is resumed.`}
        path={`${apiOf(model)}/loop`}
        body={{ mode: "paused" }}
        asks="reason"
      />
      <ActButton
        name="Roll back"
        about={`The version of ${model} that served before serves again. It counts when the server's answers prove it.`}
        path={`${apiOf(model)}/rollback`}
        body={{}}
        asks="reason"
        grave
      />
    </>
  );
}

function spanText(alert: AlertDetail): string {
  const since = formatTime(alert.from);
  if (alert.to === null) return `${alert.state} since ${since} UTC`;
  const lasted = formatDuration(Date.parse(alert.to) - Date.parse(alert.from));
  return `${alert.state}; from ${since} to ${formatTime(alert.to)} UTC (${lasted})`;
}

function Explanation({ alert }: { readonly alert: AlertDetail }) {
  const { explanation } = alert;
  const parts: readonly (readonly [string, string])[] = [
    ["What, and since when", `${explanation.what}. Since ${formatTime(explanation.since)} UTC.`],
    ["What it costs", explanation.cost],
    [
      "Data, model or world",
      `${explanation.cause}: ${explanation.causeText.replace(/^the (?:data|inputs|model|world): /, "")}`,
    ],
    ["Where", explanation.where],
    ["How sure", explanation.certainty],
  ];
  return (
    <Part title="Why">
      <dl class="why">
        {parts.map(([name, text]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{text === "" ? "nothing is known" : text}</dd>
          </div>
        ))}
        <div>
          <dt>What changed elsewhere</dt>
          <dd>
            {explanation.changes.length === 0 ? (
              "nothing that was noted (POST /api/v1/changes) in the three days before"
            ) : (
              <ul>
                {explanation.changes.map((change) => (
                  <li key={change}>{change}</li>
                ))}
              </ul>
            )}
          </dd>
        </div>
        <div>
          <dt>What the loop did, and will do</dt>
          <dd>{explanation.loop}</dd>
        </div>
        <div>
          <dt>What to type</dt>
          <dd>
            {explanation.commands.map((command) => (
              <Command key={command} text={`npx ${command}`} />
            ))}
          </dd>
        </div>
      </dl>
    </Part>
  );
}
