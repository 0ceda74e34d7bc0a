/** Lanes above the curves: alerts, runs and changes on the same axis of time, each a link that the keyboard reaches. */
import { useEffect, useRef, useState } from "preact/hooks";
import { formatTime } from "../format/times.ts";
import type { Mark } from "../view-models/marks.ts";
import { GUTTER, MARGIN } from "./plot.tsx";

const LANES = ["Alerts", "Runs", "Changes"] as const;
/** A mark is at least as wide as a finger finds it. */
const WIDTH_MIN = 8;
const ROOM_PER_LETTER = 6.2;

export function MarkLanes(props: {
  readonly marks: readonly Mark[];
  readonly span: { readonly fromMs: number; readonly toMs: number };
}) {
  const { marks, span } = props;
  const place = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const node = place.current;
    if (node === null) return undefined;
    const watch = new ResizeObserver(() => setWidth(node.clientWidth));
    watch.observe(node);
    return () => watch.disconnect();
  }, []);
  const room = Math.max(0, width - GUTTER - MARGIN);
  const x = (ms: number): number =>
    Math.min(room, Math.max(0, ((ms - span.fromMs) / (span.toMs - span.fromMs)) * room));
  const lanes = LANES.filter((lane) => marks.some((mark) => mark.lane === lane));
  return (
    <div class="lanes" ref={place}>
      {lanes.map((lane) => (
        <div class="lane" key={lane}>
          <span class="lane-name" style={{ width: `${GUTTER}px` }}>
            {lane}
          </span>
          <ul aria-label={lane} style={{ left: `${GUTTER}px`, width: `${room}px` }}>
            {marks
              .filter((mark) => mark.lane === lane)
              .map((mark) => (
                <MarkItem
                  key={mark.id}
                  mark={mark}
                  left={x(mark.fromMs)}
                  right={x(mark.toMs)}
                  room={room}
                />
              ))}
          </ul>
        </div>
      ))}
    </div>
  );
}

function MarkItem(props: {
  readonly mark: Mark;
  readonly left: number;
  readonly right: number;
  readonly room: number;
}) {
  const { mark, right, room } = props;
  const left = Math.min(props.left, room - WIDTH_MIN);
  const width = Math.max(WIDTH_MIN, right - left);
  const shown = width > mark.label.length * ROOM_PER_LETTER + 8 ? mark.label : "";
  const title = `${mark.title}, ${formatTime(mark.fromMs)}${mark.toMs > mark.fromMs ? ` to ${formatTime(mark.toMs)}` : ""} UTC`;
  const style = { left: `${left}px`, width: `${width}px` };
  const beside = shown === "" && mark.lane === "Runs" ? mark.label : null;
  return (
    <li style={style}>
      {mark.href === null ? (
        <span class={`mark ${mark.tone}`} title={title} role="img" aria-label={title}>
          {shown}
        </span>
      ) : (
        <a class={`mark ${mark.tone}`} href={mark.href} title={title} aria-label={title}>
          {shown}
        </a>
      )}
      {beside !== null && (
        <span
          class={
            right > room - beside.length * ROOM_PER_LETTER ? "mark-beside before" : "mark-beside"
          }
          aria-hidden="true"
        >
          {beside}
        </span>
      )}
    </li>
  );
}
