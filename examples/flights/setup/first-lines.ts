/** What a person reads before the story begins or goes on: what it is, how much is left, how long that takes. */
import { DAY_MS, EPOCH_MS, LIVE_WEEKS, WEEK_MS, firstDayOfWeek } from "../data/calendar.ts";

export interface Begun {
  /** Until when the replay has come, of the shifted dates. */
  readonly doneMs: number;
  readonly shiftMs: number;
}

const WEEKS = LIVE_WEEKS.last + 1 - LIVE_WEEKS.first;
/** Of the whole story on two cores, fast and slow ones, measured. */
const WHOLE_STORY_S = { low: 240, high: 660 };

/** `begun` null: nothing is told yet; `speed`: days a second at most, undefined: as fast as it goes. */
export function firstLines(begun: Begun | null, speed: number | undefined): readonly string[] {
  return begun === null ? beginning(speed) : [WHAT, ...goingOn(begun, speed), DATES];
}

const WHAT =
  "The example: 3.0 M real US flights of 2001. Will this flight land at least 15 minutes late?";
const DATES = "Dates are those of 2001, moved by whole weeks; all times are UTC.";

const beginning = (speed: number | undefined): readonly string[] => [
  WHAT,
  "A model trained on four stormy weeks serves weeks 10 to 26, replayed hour by hour,",
  `so the story takes ${duration(WEEKS * WEEK_MS, speed)}. Nothing is downloaded now: all was fetched by the set-up.`,
  "You will see: calibration going while inputs stay quiet; checks that wait and say why; two incidents",
  "that page; clients that send wrong units, named and quarantined; a retrained model that is proven",
  "better, rolled out by 10 % and then 100 %, and compared with the old one on every flight since.",
  "Settings chosen for the example: automatic retraining (the product's default is to observe only),",
  `no waiting for late events, 400 days of raw rows. ${DATES}`,
];

function goingOn({ doneMs, shiftMs }: Begun, speed: number | undefined): readonly string[] {
  const endMs = EPOCH_MS + shiftMs + firstDayOfWeek(LIVE_WEEKS.last + 1) * DAY_MS;
  const leftMs = endMs - doneMs;
  // The last flights leave some hours before the last week's end.
  if (leftMs <= DAY_MS)
    return [`The story is told to its end; its ${WEEKS} weeks can be looked at.`];
  const told = Math.floor((1 - leftMs / (WEEKS * WEEK_MS)) * 100);
  const clock = new Date(doneMs).toISOString().slice(0, 16).replace("T", " ");
  return [
    `The story goes on at ${clock}: ${told} % of its ${WEEKS} weeks are told, ${span(leftMs)} are left,`,
    `which take ${duration(leftMs, speed)}.`,
  ];
}

const span = (ms: number): string =>
  ms < 2 * WEEK_MS ? `${Math.ceil(ms / DAY_MS)} days` : `${(ms / WEEK_MS).toFixed(1)} weeks`;

/** "4 to 11 minutes", "about 40 seconds": the replay's own pace, or that which it is held to. */
function duration(storyMs: number, speed: number | undefined): string {
  const share = storyMs / (WEEKS * WEEK_MS);
  const heldToS = speed === undefined ? 0 : storyMs / DAY_MS / speed;
  const lowS = Math.max(WHOLE_STORY_S.low * share, heldToS);
  const highS = Math.max(WHOLE_STORY_S.high * share, heldToS);
  if (highS < 90) return `about ${Math.ceil(highS / 10) * 10} seconds`;
  const low = Math.max(1, Math.round(lowS / 60));
  const high = Math.round(highS / 60);
  return low === high ? `about ${high} minutes` : `${low} to ${high} minutes`;
}
