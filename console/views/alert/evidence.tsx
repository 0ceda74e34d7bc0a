/** What an alert rests on: its numbers, what broke column by column, the windows, the digest, what came later. */
import type { AlertDetail, BrokenColumn } from "../../../contract/alert.ts";
import { formatNumber } from "../../format/numbers.ts";
import { formatTime } from "../../format/times.ts";
import { Part } from "../../parts/figures.tsx";
import { numberName, numberText } from "../../view-models/number-names.ts";

export function AlertEvidence({ alert }: { readonly alert: AlertDetail }) {
  const numbers = Object.entries(alert.numbers);
  return (
    <Part title="Evidence">
      {alert.finding !== null && <Broken details={alert.finding.details} />}
      <dl class="pairs">
        {numbers.map(([name, value]) => (
          <div key={name}>
            <dt>{numberName(name)}</dt>
            <dd class="num">{numberText(name, value)}</dd>
          </div>
        ))}
      </dl>
      {alert.windows.length > 0 && (
        <p class="sample num">
          {alert.windows.length === 1 ? "Window" : "Windows"}: {alert.windows.join(", ")}.
        </p>
      )}
      {alert.annotations.length > 0 && (
        <ul class="annotations">
          {alert.annotations.map(({ at, text }) => (
            <li key={`${at}${text}`}>
              <span class="num">{formatTime(at)}</span> {text}
            </li>
          ))}
        </ul>
      )}
      <p class="sample digest">
        Revision {alert.revision}, replay digest <code>{alert.replayDigest}</code>
      </p>
    </Part>
  );
}

function Broken({ details }: { readonly details: readonly BrokenColumn[] }) {
  return (
    <div class="scroll" tabIndex={0} role="group" aria-label="Broken columns">
      <table class="plain">
        <thead>
          <tr>
            <th scope="col">Broken column</th>
            <th scope="col">What happened to it</th>
          </tr>
        </thead>
        <tbody>
          {details.map((detail) => (
            <tr key={detail.column}>
              <th scope="row">{detail.column}</th>
              <td class="num">{brokenText(detail)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function brokenText(detail: BrokenColumn): string {
  switch (detail.change) {
    case "factor":
      return `${formatNumber(detail.factor)} times what it should be`;
    case "shift": {
      const { median, min, max, period, by } = detail.shift;
      const circle = period === null ? "" : ` (of ${formatNumber(period)})`;
      const range =
        by === null || min === max ? "" : `, ${formatNumber(min)} to ${formatNumber(max)} by ${by}`;
      return `shifted by ${formatNumber(median)}${circle}${range}`;
    }
    case "other":
      return detail.text;
  }
}
