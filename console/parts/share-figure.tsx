/** A share of counted rows with its interval: "2.21 % [1.46, 3.33]". */
import { NOTHING, formatInterval, formatShare } from "../format/numbers.ts";
import { shareInterval } from "../view-models/intervals.ts";

export function ShareFigure(props: { readonly part: number; readonly whole: number }) {
  const interval = shareInterval(props.part, props.whole);
  if (interval === null) return <span class="muted">{NOTHING}</span>;
  return (
    <span class="figure num">
      <span class="value">{formatShare(interval.value)}</span>
      <span class="interval" title="95 % interval">
        {" "}
        {formatInterval(interval, formatShare)}
      </span>
    </span>
  );
}
