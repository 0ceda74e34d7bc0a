/** Drift per feature, the largest first: how far, how sure, and both distributions laid over each other. */
import type { DriftFeature, DriftView } from "../../../contract/views.ts";
import { useState } from "preact/hooks";
import { SECONDS, useLive } from "../../api/live.ts";
import { Histogram, HistogramTable } from "../../charts/histogram.tsx";
import { formatCount, formatFixed, formatNumber, formatP } from "../../format/numbers.ts";
import { formatSpan } from "../../format/times.ts";
import { Badge, Part } from "../../parts/figures.tsx";
import { Empty, Show } from "../../parts/states.tsx";
import { apiOf } from "../../route.ts";
import {
  type RankedFeature,
  rankDrift,
  reasonText,
  verdictText,
} from "../../view-models/drift-rank.ts";
import type { Looked } from "../model.tsx";

const DAY_MS = 86_400_000;
const WEEK_MS = 7 * DAY_MS;
const WEEKS_OFFERED = 13;

export function DriftPart({ looked }: { readonly looked: Looked }) {
  const { model, toMs } = looked;
  // Whole days: every announcement of the clock would else be another span.
  const lastDayMs = Math.floor(toMs / DAY_MS) * DAY_MS;
  const [weekEndMs, setWeekEndMs] = useState<number | null>(null);
  const endMs = weekEndMs ?? lastDayMs;
  const span = `from=${new Date(endMs - WEEK_MS).toISOString()}&to=${new Date(endMs).toISOString()}`;
  const live = useLive<DriftView>(`${apiOf(model.model)}/drift?histograms&${span}`, SECONDS.seldom);
  return (
    <Part
      id="drift"
      title="Drift"
      end={<WeekSelect lastDayMs={lastDayMs} value={weekEndMs} choose={setWeekEndMs} />}
      about={
        <>
          Each feature against the reference: <span class="key reference">reference</span>,{" "}
          <span class="key current">these days</span>. Drift needs evidence beyond chance and an
          effect of at least 1 × its floor.
        </>
      }
    >
      <Show live={live} what="drift">
        {(drift) => <DriftList drift={drift} />}
      </Show>
    </Part>
  );
}

function WeekSelect(props: {
  readonly lastDayMs: number;
  readonly value: number | null;
  readonly choose: (endMs: number | null) => void;
}) {
  const monday = mondayBefore(props.lastDayMs);
  const ends = Array.from({ length: WEEKS_OFFERED }, (_, i) => monday - i * WEEK_MS);
  return (
    <label class="inline">
      <span class="visually-hidden">Days that are compared</span>
      <select
        value={props.value === null ? "" : String(props.value)}
        onChange={({ currentTarget }) =>
          props.choose(currentTarget.value === "" ? null : Number(currentTarget.value))
        }
      >
        <option value="">last 7 days</option>
        {ends.map((endMs) => (
          <option key={endMs} value={String(endMs)}>
            week {formatSpan(endMs - WEEK_MS, endMs)}
          </option>
        ))}
      </select>
    </label>
  );
}

/** 1970-01-05 was a Monday. */
const mondayBefore = (ms: number): number =>
  Math.floor((ms - 4 * DAY_MS) / WEEK_MS) * WEEK_MS + 4 * DAY_MS;

function DriftList({ drift }: { readonly drift: DriftView }) {
  const ranked = rankDrift(drift);
  if (drift.reference === null) {
    return (
      <Empty title="There is nothing to compare with yet">
        <p>
          The reference is the training set that the document names, or else the first 14 days with
          enough rows.
        </p>
      </Empty>
    );
  }
  if (ranked.length === 0) {
    return <Empty title="No rows in these days" />;
  }
  return (
    <>
      <p class="sample num">
        {formatCount(drift.rows)} predictions of{" "}
        {formatSpan(drift.computed.from, drift.computed.to)} against{" "}
        {formatCount(drift.reference.rows)} rows of the reference.
      </p>
      <ol class="drift-list">
        {ranked.map((feature) => (
          <DriftRow key={feature.whole.feature} ranked={feature} />
        ))}
      </ol>
    </>
  );
}

const TONES = { drift: "bad", no_drift: "plain", insufficient_data: "warn" } as const;

function DriftRow({ ranked }: { readonly ranked: RankedFeature }) {
  const { whole, size, segments } = ranked;
  const { histogram } = whole;
  return (
    <li>
      <details>
        <summary>
          <span class="drift-name">{whole.feature}</span>
          <Badge tone={TONES[whole.verdict]}>{verdictText(whole.verdict)}</Badge>
          <span class="drift-size num">
            {formatFixed(size, 2)} × floor
            <Meter size={size} />
          </span>
          <span class="drift-sample num">
            p {formatP(whole.pValue)}, {formatCount(whole.rows.current)} rows
          </span>
          <span class="drift-picture">
            {histogram != null && <Histogram histogram={histogram} feature={whole.feature} />}
          </span>
        </summary>
        <div class="drift-detail">
          <p>
            {reasonText(whole.reason)}
            {segments.length > 0 &&
              `. Drifted in ${segments.length} ${segments.length === 1 ? "segment" : "segments"}: ${segments.map(segmentName).join(", ")}`}
            .
          </p>
          {histogram != null && (
            <>
              <Histogram histogram={histogram} feature={whole.feature} large />
              <RangeLine feature={whole} />
            </>
          )}
          <Statistics feature={whole} />
          {histogram != null && (
            <details class="numbers">
              <summary>The same in numbers</summary>
              <HistogramTable histogram={histogram} feature={whole.feature} />
            </details>
          )}
        </div>
      </details>
    </li>
  );
}

/** From 0 to twice the floor; beyond it is full. */
function Meter({ size }: { readonly size: number }) {
  const part = Math.min(1, size / 2);
  return (
    <svg class="meter" viewBox="0 0 80 6" aria-hidden="true">
      <rect class="ground" width="80" height="6" rx="2" />
      <rect class={size >= 1 ? "over" : "under"} width={part * 80} height="6" rx="2" />
      <path class="floor-mark" d="M40 -1V7" />
    </svg>
  );
}

const segmentName = ({ segment }: DriftFeature): string =>
  segment === null ? "all rows" : `${segment.tag} ${segment.value}`;

function RangeLine({ feature }: { readonly feature: DriftFeature }) {
  const cells = feature.histogram?.cells ?? [];
  if (feature.histogram?.kind !== "numeric") {
    return (
      <p class="range-line">
        <span>{cells[0]?.label}</span>
        <span>{cells.length} categories, most frequent first</span>
      </p>
    );
  }
  const bins = cells.filter(({ label }) => label === "");
  return (
    <p class="range-line num">
      <span>{formatNumber(bins[0]?.from ?? bins[0]?.to ?? null)}</span>
      <span>bins hold equal shares of the reference; areas are shares</span>
      <span>{formatNumber(bins.at(-1)?.to ?? bins.at(-1)?.from ?? null)}</span>
    </p>
  );
}

function Statistics({ feature }: { readonly feature: DriftFeature }) {
  const { effect, threshold, rows, rowsEffective } = feature;
  const of = (value: number | null, floor: number): string =>
    `${formatFixed(value, 3)} (floor ${floor})`;
  const figures: readonly (readonly [string, string])[] = [
    ["PSI", of(effect.psi, threshold.floors.psi)],
    ["Jensen–Shannon", of(effect.jensenShannon, threshold.floors.jensenShannon)],
    ["Wasserstein, in σ", of(effect.wasserstein, threshold.floors.wasserstein)],
    ["Kolmogorov–Smirnov", formatFixed(feature.ks, 3)],
    ["p, corrected for all looks", formatP(feature.pValue)],
    ["Rows, current", formatCount(rows.current)],
    ["Rows, reference", formatCount(rows.reference)],
    [
      "Effective sample size",
      `${formatCount(rowsEffective.current)} and ${formatCount(rowsEffective.reference)}`,
    ],
    ["Design effect", formatFixed(feature.designEffect, 1)],
    ["Smallest shift that shows", `${formatFixed(feature.smallestDetectableShift, 3)} σ`],
  ];
  return (
    <dl class="pairs">
      {figures.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd class="num">{value}</dd>
        </div>
      ))}
    </dl>
  );
}
