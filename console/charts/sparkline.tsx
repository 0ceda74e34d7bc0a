/** A small curve beside a figure: its shape over the last weeks, for the eye only. */

const WIDTH = 120;
const HEIGHT = 28;
const PAD = 3;

export function Sparkline(props: {
  readonly values: readonly (number | null)[];
  readonly kind: "line" | "area";
  readonly zero?: boolean;
}) {
  const known = props.values.filter((value): value is number => value !== null);
  if (known.length < 2) return null;
  const low = Math.min(...known, ...(props.zero === true || props.kind === "area" ? [0] : []));
  const high = Math.max(...known, ...(props.zero === true ? [0] : []));
  const x = (i: number): number => PAD + (i / (props.values.length - 1)) * (WIDTH - 2 * PAD);
  const y = (value: number): number =>
    HEIGHT - PAD - ((value - low) / (high - low || 1)) * (HEIGHT - 2 * PAD);
  const points = props.values.flatMap((value, i) =>
    value === null ? [] : [`${x(i).toFixed(1)},${y(value).toFixed(1)}`],
  );
  const [lastX = "0", lastY = "0"] = (points.at(-1) ?? "").split(",");
  return (
    <svg class={`spark ${props.kind}`} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true">
      {props.zero === true && <path class="zero" d={`M${PAD} ${y(0)}H${WIDTH - PAD}`} />}
      {props.kind === "area" ? (
        <path
          class="fill"
          d={`M${PAD} ${HEIGHT - PAD}L${points.join("L")}L${lastX} ${HEIGHT - PAD}Z`}
        />
      ) : (
        <>
          <polyline class="line" points={points.join(" ")} />
          <circle class="last" cx={lastX} cy={lastY} r="2.5" />
        </>
      )}
    </svg>
  );
}
