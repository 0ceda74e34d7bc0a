/** Figures as they are shown everywhere: the value, its interval, and of how many rows it is. */
import type { ComponentChildren } from "preact";
import type { AlertSeverity } from "../../contract/alert.ts";
import {
  NOTHING,
  formatCount,
  formatFixed,
  formatInterval,
  formatShare,
} from "../format/numbers.ts";

export interface FigureOf {
  readonly value: number | null | undefined;
  readonly lower?: number | null | undefined;
  readonly upper?: number | null | undefined;
}

/** "0.083 [0.051, 0.116]". */
export function Figure(props: { readonly of: FigureOf | undefined; readonly decimals?: number }) {
  const { of, decimals = 3 } = props;
  if (of?.value == null) return <span class="muted">{NOTHING}</span>;
  const format = (value: number | null | undefined): string => formatFixed(value, decimals);
  const interval = formatInterval({ lower: of.lower, upper: of.upper }, format);
  return (
    <span class="figure num">
      <span class="value">{format(of.value)}</span>
      {interval !== "" && (
        <span class="interval" title="95 % interval">
          {" "}
          {interval}
        </span>
      )}
    </span>
  );
}

/** "116 491 of 117 579 labelled (99 %), 12 censored": of the predictions whose outcome can be seen. */
export function Labelled(props: {
  readonly labelled: number;
  readonly predictions: number;
  readonly censored: number;
}) {
  const { labelled, predictions, censored } = props;
  if (predictions === 0) return <span class="sample">no predictions</span>;
  const seen = predictions - censored;
  return (
    <span class="sample num">
      {formatCount(labelled)} of {formatCount(seen)} labelled
      {seen > 0 && <> ({formatShare(labelled / seen)})</>}
      {censored > 0 && <>, {formatCount(censored)} censored</>}
    </span>
  );
}

export type StateName = AlertSeverity | "ok";

/** The shape says it too: colours alone say nothing to many. */
const SHAPES: Readonly<Record<StateName, string>> = { page: "■", ticket: "▲", info: "◆", ok: "○" };

export function State(props: { readonly state: StateName; readonly text?: string }) {
  return (
    <span class={`state ${props.state}`}>
      <span class="shape" aria-hidden="true">
        {SHAPES[props.state]}
      </span>
      {props.text ?? props.state}
    </span>
  );
}

/** A verdict or status, by its own words. */
export function Badge(props: {
  readonly tone: "good" | "bad" | "warn" | "plain" | "busy";
  readonly children: ComponentChildren;
}) {
  return <span class={`badge ${props.tone}`}>{props.children}</span>;
}

/** One figure with its name and what it is of. */
export function Tile(props: {
  readonly name: string;
  readonly hint?: string | undefined;
  readonly children: ComponentChildren;
  readonly below?: ComponentChildren;
}) {
  return (
    <div class="tile">
      <dt title={props.hint}>{props.name}</dt>
      <dd>
        <span class="tile-value">{props.children}</span>
        {props.below !== undefined && <span class="tile-below">{props.below}</span>}
      </dd>
    </div>
  );
}

/** A part of a view with its heading. */
export function Part(props: {
  readonly id?: string;
  readonly title: string;
  readonly about?: ComponentChildren;
  readonly end?: ComponentChildren;
  readonly children: ComponentChildren;
}) {
  return (
    <section class="part" id={props.id} aria-label={props.title}>
      <div class="part-head">
        <h2>{props.title}</h2>
        {props.end !== undefined && <div class="part-end">{props.end}</div>}
      </div>
      {props.about !== undefined && <p class="about">{props.about}</p>}
      {props.children}
    </section>
  );
}

/** A choice of few, as buttons of which one is pressed. */
export function Choice<T extends string>(props: {
  readonly name: string;
  readonly options: readonly { readonly value: T; readonly text: string }[];
  readonly value: T;
  readonly choose: (value: T) => void;
}) {
  return (
    <div class="choice" role="group" aria-label={props.name}>
      {props.options.map(({ value, text }) => (
        <button
          key={value}
          type="button"
          aria-pressed={value === props.value}
          onClick={() => props.choose(value)}
        >
          {text}
        </button>
      ))}
    </div>
  );
}
