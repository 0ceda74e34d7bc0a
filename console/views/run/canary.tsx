/** The canary beside the champion, hour by hour: the loss, errors and latency that it is taken back for. */
import { useMemo, useState } from "preact/hooks";
import type { ArmHourView, CanaryView, RunDetailView } from "../../../contract/views.ts";
import { SECONDS, useLive } from "../../api/live.ts";
import { Plot, type PlotShape } from "../../charts/plot.tsx";
import { formatCount, formatFixed, formatSeconds, formatShare } from "../../format/numbers.ts";
import { formatTime } from "../../format/times.ts";
import { Part } from "../../parts/figures.tsx";
import { SHARE_SHOWN } from "../../parts/traffic.tsx";
import { Empty, Show } from "../../parts/states.tsx";
import { type ArmMetric, armColumns } from "../../view-models/canary-columns.ts";
import { GateTable } from "./gate-table.tsx";

type StepOf = CanaryView["steps"][number];

export function CanaryPart({ run }: { readonly run: RunDetailView }) {
  const reached = run.events.some(({ kind }) => kind === "step_started");
  const live = useLive<CanaryView>(
    reached ? `/api/v1/runs/${encodeURIComponent(run.id)}/canary` : null,
    run.endedAt === null ? SECONDS.sometimes : SECONDS.seldom,
  );
  if (!reached) {
    return (
      <Part title="Canary beside champion">
        <Empty
          title={run.endedAt === null ? "No request has reached it yet" : "It served no request"}
        />
      </Part>
    );
  }
  return (
    <Part title="Canary beside champion">
      <Show live={live} what="the canary">
        {(canary) => (
          <>
            {canary.steps.map((step) => (
              <CanaryStep key={step.step} step={step} canary={canary} />
            ))}
          </>
        )}
      </Show>
    </Part>
  );
}

function CanaryStep(props: { readonly step: StepOf; readonly canary: CanaryView }) {
  const { step, canary } = props;
  const requests = (hours: readonly ArmHourView[]): number =>
    hours.reduce((sum, hour) => sum + hour.requests, 0);
  return (
    <>
      <p class="about">
        {formatShare(step.share)} of the requests from {formatTime(step.from)} to{" "}
        {formatTime(step.until)} UTC:{" "}
        <span class="key line" style={{ "--line": "var(--series-1)" }}>
          champion {canary.champion}
        </span>{" "}
        {formatCount(requests(step.arms.champion))} requests,{" "}
        <span class="key line" style={{ "--line": "var(--series-2)" }}>
          canary {canary.challenger}
        </span>{" "}
        {formatCount(requests(step.arms.challenger))}.
      </p>
      <div class="traffic">
        {METRICS.map((metric) => (
          <ArmChart key={metric.name} metric={metric} step={step} group={canary.run} />
        ))}
      </div>
      <GateTable gates={step.gates} verdict={step.verdict} label="What the canary is judged by" />
    </>
  );
}

const METRICS: readonly {
  readonly name: ArmMetric;
  readonly title: string;
  readonly format: (value: number | null | undefined) => string;
}[] = [
  { name: "loss", title: "Loss of labelled rows", format: (value) => formatFixed(value, 3) },
  { name: "errorShare", title: "Errors", format: formatShare },
  { name: "latencySeconds", title: "Latency, mean", format: formatSeconds },
];

function ArmChart(props: {
  readonly metric: (typeof METRICS)[number];
  readonly step: StepOf;
  readonly group: string;
}) {
  const { metric, step, group } = props;
  const [cursor, setCursor] = useState<number | null>(null);
  const columns = useMemo(() => armColumns(step.arms, metric.name), [step.arms, metric]);
  const shape = useMemo<PlotShape>(
    () => ({
      times: columns.times,
      span: { fromMs: Date.parse(step.from), toMs: Date.parse(step.until) },
      bands: [],
      lines: [
        { values: columns.champion, colour: "--series-1", width: 1.5, points: true },
        { values: columns.challenger, colour: "--series-2", width: 1.5, points: true },
      ],
      fromZero: metric.name !== "loss",
      reaches: metric.name === "errorShare" ? SHARE_SHOWN : undefined,
      formatY: metric.format,
    }),
    [columns, metric, step.from, step.until],
  );
  const at = cursor === null ? null : columns.times[cursor];
  return (
    <figure class="panel" onMouseLeave={() => setCursor(null)}>
      <figcaption>
        <h3>{metric.title}</h3>
        <p class="readout" aria-live={cursor === null ? "off" : "polite"}>
          {cursor !== null && at != null && (
            <>
              <strong class="num">{formatTime(at * 1000)}</strong>
              <span class="num">champion {metric.format(columns.champion[cursor])}</span>
              <span class="num">canary {metric.format(columns.challenger[cursor])}</span>
            </>
          )}
        </p>
      </figcaption>
      <Plot
        shape={shape}
        height={120}
        label={`${metric.title} by the hour, canary and champion`}
        group={group}
        onCursor={setCursor}
      />
    </figure>
  );
}
