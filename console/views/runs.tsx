/** Retraining of all models: every run with its verdict, and the checks that led to runs or to none. */
import type { ChecksView, ModelsView, RunView, RunsView } from "../../contract/views.ts";
import { SECONDS, useLive } from "../api/live.ts";
import { formatTime } from "../format/times.ts";
import { Badge, Part } from "../parts/figures.tsx";
import { Empty, Show } from "../parts/states.tsx";
import { apiOf, modelPath, runPath } from "../route.ts";
import { statusText, statusTone } from "../view-models/run-steps.ts";

const CHECKS_SHOWN = 12;
const MODELS_SHOWN = 12;

export function RunsPage() {
  const runs = useLive<RunsView>("/api/v1/runs", SECONDS.often);
  const models = useLive<ModelsView>("/api/v1/models", SECONDS.sometimes);
  return (
    <>
      <h1>Runs</h1>
      <Show live={runs} what="the runs" whole>
        {({ runs: list }) => <RunList runs={list} />}
      </Show>
      <Show live={models} what="the checks">
        {({ models: list }) => (
          <>
            {list.slice(0, MODELS_SHOWN).map(({ model }) => (
              <Checks key={model} model={model} />
            ))}
          </>
        )}
      </Show>
    </>
  );
}

function RunList({ runs }: { readonly runs: readonly RunView[] }) {
  if (runs.length === 0) {
    return (
      <Empty title="No model has been retrained yet">
        <p>
          A run starts when a check finds that it would pay, or by hand:{" "}
          <code>npx driftmend retrain MODEL</code>. The document's <code>retrain</code> says what is
          checked and when.
        </p>
      </Empty>
    );
  }
  return (
    <table class="fleet runs">
      <thead>
        <tr>
          <th scope="col">Run</th>
          <th scope="col">Model</th>
          <th scope="col">Status</th>
          <th scope="col">Version</th>
          <th scope="col">Verdict of the gate</th>
          <th scope="col">Why it ended so</th>
        </tr>
      </thead>
      <tbody>
        {runs.map((run) => (
          <tr key={run.id}>
            <th scope="row" data-name="Run">
              <a class="num" href={runPath(run.id)}>
                {formatTime(run.at)}
              </a>
              <span class="below">
                {run.decision}, {run.trigger}
              </span>
            </th>
            <td data-name="Model">
              <a href={modelPath(run.model)}>{run.model}</a>
            </td>
            <td data-name="Status">
              <Badge tone={statusTone(run.status)}>{statusText(run.status)}</Badge>
            </td>
            <td data-name="Version" class="num">
              {run.version === null ? "none yet" : `${run.champion} → ${run.version}`}
            </td>
            <td data-name="Verdict">{run.verdict ?? "not judged yet"}</td>
            <td data-name="Why" class="prose">
              {run.reason ?? ""}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Checks({ model }: { readonly model: string }) {
  const live = useLive<ChecksView>(`${apiOf(model)}/checks`, SECONDS.sometimes);
  const checks = live.status === "ready" || live.status === "stale" ? live.data.checks : [];
  const newest = checks.toSorted((a, b) => b.at.localeCompare(a.at)).slice(0, CHECKS_SHOWN);
  if (newest.length === 0) return null;
  return (
    <Part
      title={`Checks of ${model}`}
      about="Every due look at whether to retrain, those that decided to wait as well."
    >
      <ol class="checks">
        {newest.map((check) => (
          <li key={check.id}>
            <span class="num">{formatTime(check.at)}</span>
            <Badge
              tone={
                check.decision === "INVESTIGATE" ? "warn" : check.runId === null ? "plain" : "busy"
              }
            >
              {check.decision}
            </Badge>
            <span class="prose">
              {check.reason}
              {check.runId !== null && (
                <>
                  {" "}
                  <a href={runPath(check.runId)}>The run</a>
                </>
              )}
            </span>
          </li>
        ))}
      </ol>
    </Part>
  );
}
