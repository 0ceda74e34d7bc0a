/** Lanes above the curves: alerts, runs and changes on the same axis of time, each a link that the keyboard reaches. */
import { useEffect, useRef, useState } from "preact/hooks";
import { formatTime } from "../format/times.ts";
import type { Mark } from "../view-models/marks.ts";
import { packRows } from "../view-models/pack-rows.ts";
import { GUTTER, MARGIN } from "./plot.tsx";

const LANES = ["Alerts", "Runs", "Changes"] as const;
/** What a finger finds. */
const WIDTH_MIN = 24;
const ROW_HEIGHT = 27;
const ROOM_PER_LETTER = 6.4;
/** What stands on a mark that has no room for its label. */
const SHAPES = { page: "■", ticket: "▲", info: "◆", good: "✓", bad: "✕", plain: "●" } as const;

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
  return (
    <div class="lanes" ref={place}>
      {LANES.map((lane) => {
        const own = marks.filter((mark) => mark.lane === lane);
        return own.length === 0 ? null : (
          <Lane key={lane} name={lane} marks={own} room={room} x={x} />
        );
      })}
    </div>
  );
}

function Lane(props: {
  readonly name: string;
  readonly marks: readonly Mark[];
  readonly room: number;
  readonly x: (ms: number) => number;
}) {
  const { name, marks, room, x } = props;
  const placed = marks
    .map((mark) => {
      const left = Math.max(0, Math.min(x(mark.fromMs), room - WIDTH_MIN));
      return { mark, left, right: Math.max(left + WIDTH_MIN, x(mark.toMs)) };
    })
    .sort((a, b) => a.left - b.left);
  const rows = packRows(placed);
  const height = (Math.max(0, ...rows) + 1) * ROW_HEIGHT;
  return (
    <div class="lane" style={{ height: `${height}px` }}>
      <span class="lane-name" style={{ width: `${GUTTER}px` }}>
        {name}
      </span>
      <ul aria-label={name} style={{ left: `${GUTTER}px`, width: `${room}px` }}>
        {placed.map(({ mark, left, right }, i) => (
          <li
            key={mark.id}
            style={{
              left: `${left}px`,
              width: `${right - left}px`,
              top: `${(rows[i] ?? 0) * ROW_HEIGHT + 1}px`,
            }}
          >
            <MarkLink mark={mark} width={right - left} />
          </li>
        ))}
      </ul>
    </div>
  );
}

function MarkLink(props: { readonly mark: Mark; readonly width: number }) {
  const { mark, width } = props;
  const fits = width > mark.label.length * ROOM_PER_LETTER + 8;
  const until = mark.toMs > mark.fromMs ? ` to ${formatTime(mark.toMs)}` : "";
  const title = `${mark.label}. ${mark.title}, ${formatTime(mark.fromMs)}${until} UTC`;
  const shown = fits ? mark.label : <span aria-hidden="true">{SHAPES[mark.tone]}</span>;
  return mark.href === null ? (
    <span class={`mark ${mark.tone}`} title={title} role="img" aria-label={title}>
      {shown}
    </span>
  ) : (
    <a class={`mark ${mark.tone}`} href={mark.href} title={title} aria-label={title}>
      {shown}
    </a>
  );
}
