/** The rows behind an alert, as they were decoded. */
import type { AlertDetail } from "../../../contract/alert.ts";
import type { AlertRowsView, RowView } from "../../../contract/views.ts";
import { SECONDS, useLive } from "../../api/live.ts";
import { formatFixed, formatNumber, formatSeconds } from "../../format/numbers.ts";
import { formatTime } from "../../format/times.ts";
import { Command } from "../../parts/command.tsx";
import { Part } from "../../parts/figures.tsx";
import { Empty, Show } from "../../parts/states.tsx";

const ROWS_SHOWN = 25;

export function AlertRowsPart({ alert }: { readonly alert: AlertDetail }) {
  const live = useLive<AlertRowsView>(
    `/api/v1/alerts/${encodeURIComponent(alert.id)}/rows?limit=${ROWS_SHOWN}`,
    SECONDS.seldom,
  );
  return (
    <Part title="Rows behind it">
      <Show live={live} what="the rows">
        {(behind) => <Rows behind={behind} />}
      </Show>
    </Part>
  );
}

function Rows({ behind }: { readonly behind: AlertRowsView }) {
  const { rows, which } = behind;
  const [first] = rows;
  if (first === undefined) {
    return (
      <Empty title="There are no rows in its span">
        <p>
          Either nobody asked, which is what the alert says, or the raw rows are past their keep.
        </p>
      </Empty>
    );
  }
  const features = Object.keys(first.features);
  return (
    <>
      <p class="sample">
        {rows.length} {which}, {formatTime(behind.from)} to {formatTime(behind.to)} UTC.
      </p>
      <div class="scroll" tabIndex={0} role="group" aria-label="Rows">
        <table class="plain rows">
          <thead>
            <tr>
              <th scope="col">Time</th>
              <th scope="col">Id</th>
              <th scope="col">Version</th>
              <th scope="col" class="right">
                Answer
              </th>
              <th scope="col" class="right">
                Latency
              </th>
              {features.map((name) => (
                <th scope="col" key={name}>
                  {name}
                </th>
              ))}
              <th scope="col">Tags</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <Row key={`${row.time}${row.id}`} row={row} features={features} />
            ))}
          </tbody>
        </table>
      </div>
      <Command text={`npx driftmend rows ${behind.alert} --rows 200`} />
    </>
  );
}

function Row(props: { readonly row: RowView; readonly features: readonly string[] }) {
  const { row, features } = props;
  return (
    <tr>
      <td class="num">{formatTime(row.time)}</td>
      <td class="num">{row.id}</td>
      <td>{row.version}</td>
      <td class={row.error === "" ? "right num" : "right bad-text"}>{answerOf(row)}</td>
      <td class="right num">{formatSeconds(row.latencySeconds)}</td>
      {features.map((name) => {
        const value = row.features[name];
        return (
          <td key={name} class={typeof value === "number" ? "num" : ""}>
            {typeof value === "number" ? formatNumber(value) : (value ?? "missing")}
          </td>
        );
      })}
      <td>
        {Object.entries(row.tags)
          .map(([name, value]) => `${name} ${value}`)
          .join(", ")}
      </td>
    </tr>
  );
}

function answerOf(row: RowView): string {
  if (row.error !== "") return `error: ${row.error}`;
  if (row.score !== null) return formatFixed(row.score, 3);
  return row.value === null ? row.label : formatNumber(row.value);
}
