/** An interval as a line with its value as a dot, on a scale that all rows of a table share. */

const WIDTH = 160;
const HEIGHT = 18;

export function ForestMark(props: {
  readonly of: {
    readonly value: number | null;
    readonly lower?: number | null;
    readonly upper?: number | null;
  };
  readonly range: readonly [number, number];
  /** Drawn as a line through all rows. */
  readonly level: number | null;
  readonly muted?: boolean;
}) {
  const { of, range, level } = props;
  if (of.value === null) return null;
  const [low, high] = range;
  const x = (value: number): number => ((value - low) / (high - low || 1)) * WIDTH;
  return (
    <svg
      class={`forest ${props.muted === true ? "muted-mark" : ""}`}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      aria-hidden="true"
    >
      <path class="zero" d={`M${x(0)} 0V${HEIGHT}`} />
      {level !== null && <path class="level" d={`M${x(level)} 0V${HEIGHT}`} />}
      {of.lower != null && of.upper != null && (
        <path class="range" d={`M${x(of.lower)} ${HEIGHT / 2}H${x(of.upper)}`} />
      )}
      <circle class="dot" cx={x(of.value)} cy={HEIGHT / 2} r="3.2" />
    </svg>
  );
}
