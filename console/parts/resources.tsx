/** What the model's server says of itself: its own count of requests, and what it uses. */
import { useMemo, useState } from "preact/hooks";
import type { OperationsView } from "../../contract/operations-view.ts";
import { Plot, type PlotShape } from "../charts/plot.tsx";
import { formatCount, formatNumber, formatSeconds, formatShare } from "../format/numbers.ts";
import { formatTime } from "../format/times.ts";
import { type ResourceColumns, downOf, resourceColumns } from "../view-models/resources.ts";
import { trafficColumns } from "../view-models/traffic.ts";
import { versionColour } from "./traffic.tsx";

/** One sentence beside the curves, which are of the records where there are any. */
export function ServerFigures({ operations }: { readonly operations: OperationsView }) {
  const { server, source } = operations;
  const down = downOf(operations);
  if (server === null) return down.length === 0 ? null : <p class="sample">{downText(down)}</p>;
  const tokens = server.tokens.map(({ kind, tokens: n }) => `${formatCount(n)} ${kind} tokens`);
  const parts = [
    `${formatCount(server.requests)} requests`,
    `${formatCount(server.errors)} failed (${formatShare(server.errorShare)})`,
    `mean latency ${formatSeconds(server.meanLatencySeconds)}`,
    ...(server.queueSeconds === null
      ? []
      : [`${formatSeconds(server.queueSeconds)} of it in the queue`]),
    ...tokens,
  ];
  const lead =
    source === "server" ? "Counted by the server, as there are no records" : "The server counts";
  return (
    <p class="sample">
      {lead}: {parts.join(", ")}.{down.length > 0 && ` ${downText(down)}`}
    </p>
  );
}

const downText = (down: readonly string[]): string =>
  `Metrics of ${down.join(", ")} could not be read when they were asked for last.`;

export function ResourceCharts(props: {
  readonly operations: OperationsView;
  readonly group: string;
}) {
  const { operations } = props;
  const { times, charts } = useMemo(() => {
    const columns = trafficColumns(operations);
    return { times: columns.times, charts: resourceColumns(operations, columns.times) };
  }, [operations]);
  const [cursor, setCursor] = useState<number | null>(null);
  if (charts.length === 0) return null;
  return (
    <div class="traffic" onMouseLeave={() => setCursor(null)}>
      {charts.map((chart) => (
        <ResourceChart
          key={chart.measure}
          chart={chart}
          times={times}
          operations={operations}
          group={props.group}
          cursor={cursor}
          setCursor={setCursor}
        />
      ))}
    </div>
  );
}

function ResourceChart(props: {
  readonly chart: ResourceColumns;
  readonly times: readonly number[];
  readonly operations: OperationsView;
  readonly group: string;
  readonly cursor: number | null;
  readonly setCursor: (index: number | null) => void;
}) {
  const { chart, times, operations, cursor } = props;
  const format = formatOf(chart.unit);
  const shape = useMemo<PlotShape>(
    () => ({
      times,
      span: { fromMs: Date.parse(operations.from), toMs: Date.parse(operations.to) },
      bands: [],
      lines: chart.lines.map(({ values }, i) => ({
        values,
        colour: versionColour(i),
        width: 1.5,
        stepped: false,
      })),
      fromZero: true,
      reaches: chart.unit === "share" ? 1 : undefined,
      formatY: format,
    }),
    [chart, times, operations.from, operations.to, format],
  );
  return (
    <figure class="panel">
      <figcaption>
        <h3>{chart.title}</h3>
        <p class="readout" aria-live={cursor === null ? "off" : "polite"}>
          {cursor !== null && (
            <strong class="num">{formatTime((times[cursor] ?? 0) * 1000)}</strong>
          )}
          {chart.lines.map(({ name, values, last }, i) => (
            <span key={name}>
              <span class="key line" style={{ "--line": `var(${versionColour(i)})` }}>
                {name}
              </span>{" "}
              <span class="num value">{format(cursor === null ? last : values[cursor])}</span>
            </span>
          ))}
        </p>
      </figcaption>
      <Plot
        shape={shape}
        height={112}
        label={`${chart.title} over time`}
        group={props.group}
        onCursor={props.setCursor}
      />
    </figure>
  );
}

type Format = (value: number | null | undefined) => string;
const GIB = 1024 ** 3;
const formatGib: Format = (value) =>
  value === null || value === undefined ? formatNumber(value) : `${formatNumber(value / GIB)} GiB`;

function formatOf(unit: string): Format {
  if (unit === "share") return formatShare;
  if (unit === "bytes") return formatGib;
  return formatNumber;
}
