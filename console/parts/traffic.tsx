/** Requests, error share and mean latency over time, one line per version, and the versions in numbers. */
import { useMemo, useState } from "preact/hooks";
import type { OperationsView } from "../../contract/operations-view.ts";
import { Plot, type PlotShape } from "../charts/plot.tsx";
import { formatCount, formatNumber, formatSeconds, formatShare } from "../format/numbers.ts";
import { formatTime } from "../format/times.ts";
import { type TrafficColumns, trafficColumns } from "../view-models/traffic.ts";
import { ShareFigure } from "./share-figure.tsx";

/** Colour-blind safe, in the order of the versions' share of requests. */
export const VERSION_COLOURS = [
  "--series-1",
  "--series-2",
  "--series-3",
  "--series-4",
  "--series-5",
];
export const versionColour = (index: number): string =>
  VERSION_COLOURS[index % VERSION_COLOURS.length] ?? "--series-1";

/** An axis of shares shows 1 % at least. */
export const SHARE_SHOWN = 0.01;

type Column = "perSecond" | "errorShare" | "latencySeconds";
const CHARTS: readonly {
  readonly column: Column;
  readonly title: string;
  readonly format: (value: number | null | undefined) => string;
}[] = [
  { column: "perSecond", title: "Requests per second", format: formatNumber },
  { column: "errorShare", title: "Errors", format: formatShare },
  { column: "latencySeconds", title: "Latency, mean", format: formatSeconds },
];

export function TrafficCharts(props: {
  readonly operations: OperationsView;
  readonly group: string;
}) {
  const { operations } = props;
  const columns = useMemo(() => trafficColumns(operations), [operations]);
  const [cursor, setCursor] = useState<number | null>(null);
  return (
    <div class="traffic" onMouseLeave={() => setCursor(null)}>
      {CHARTS.map((chart) => (
        <TrafficChart
          key={chart.column}
          chart={chart}
          columns={columns}
          operations={operations}
          group={props.group}
          cursor={cursor}
          setCursor={setCursor}
        />
      ))}
    </div>
  );
}

function TrafficChart(props: {
  readonly chart: (typeof CHARTS)[number];
  readonly columns: TrafficColumns;
  readonly operations: OperationsView;
  readonly group: string;
  readonly cursor: number | null;
  readonly setCursor: (index: number | null) => void;
}) {
  const { chart, columns, operations, cursor } = props;
  const shape = useMemo<PlotShape>(
    () => ({
      times: columns.times,
      span: { fromMs: Date.parse(operations.from), toMs: Date.parse(operations.to) },
      bands: [],
      lines: columns.versions.map((version, i) => ({
        values: version[chart.column],
        colour: versionColour(i),
        width: 1.5,
        stepped: chart.column === "perSecond",
      })),
      fromZero: true,
      reaches: chart.column === "errorShare" ? SHARE_SHOWN : undefined,
      formatY: chart.format,
    }),
    [chart, columns, operations.from, operations.to],
  );
  return (
    <figure class="panel">
      <figcaption>
        <h3>{chart.title}</h3>
        <p class="readout" aria-live={cursor === null ? "off" : "polite"}>
          {cursor !== null && (
            <strong class="num">{formatTime((columns.times[cursor] ?? 0) * 1000)}</strong>
          )}
          {columns.versions.map((version, i) => (
            <span key={version.version}>
              <span class="key line" style={{ "--line": `var(${versionColour(i)})` }}>
                version {version.version === "" ? "unnamed" : version.version}
              </span>{" "}
              {cursor !== null && (
                <span class="num value">{chart.format(version[chart.column][cursor])}</span>
              )}
            </span>
          ))}
        </p>
      </figcaption>
      <Plot
        shape={shape}
        height={112}
        label={`${chart.title} over time, by version`}
        group={props.group}
        onCursor={props.setCursor}
      />
    </figure>
  );
}

export function VersionTable({ operations }: { readonly operations: OperationsView }) {
  const types = operations.errorTypes.map(
    ({ error, version, requests }) => `${error} (version ${version}): ${formatCount(requests)}`,
  );
  return (
    <>
      <div class="scroll" tabIndex={0} role="group" aria-label="Versions in numbers">
        <table class="plain">
          <thead>
            <tr>
              <th scope="col">Version</th>
              <th scope="col" class="right">
                Requests
              </th>
              <th scope="col">Errors</th>
              <th scope="col" class="right">
                p50
              </th>
              <th scope="col" class="right">
                p95
              </th>
              <th scope="col" class="right">
                p99
              </th>
            </tr>
          </thead>
          <tbody>
            {operations.versions.map((row) => (
              <tr key={row.version}>
                <th scope="row">{row.version === "" ? "unnamed" : row.version}</th>
                <td class="right num">{formatCount(row.predictions)}</td>
                <td>
                  <ShareFigure part={row.errors} whole={row.predictions} />
                </td>
                <td class="right num">{formatSeconds(row.latencySeconds?.p50)}</td>
                <td class="right num">{formatSeconds(row.latencySeconds?.p95)}</td>
                <td class="right num">{formatSeconds(row.latencySeconds?.p99)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {types.length > 0 && <p class="sample">Errors by type: {types.join("; ")}.</p>}
    </>
  );
}
