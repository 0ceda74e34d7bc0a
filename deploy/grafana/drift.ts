/** Dashboard 2: is the model still good, and are its inputs still what it learnt from? */
import type { Dashboard } from "@grafana/grafana-foundation-sdk/dashboard";
import { annotations } from "./annotations.ts";
import {
  EVERY_ROW,
  OVERLAPS_RANGE,
  SERVICE_KINDS,
  THESE_VERSIONS,
  THIS_MODEL,
  THIS_SEGMENT,
  WINDOW_IN_RANGE,
} from "./conditions.ts";
import { PAGE, dashboard } from "./dashboard.ts";
import { distributions } from "./distributions.ts";
import { inputQuality } from "./input-quality.ts";
import { ALERT_LINKS, ALERT_TITLE_LINKS, RUN_LINKS } from "./links.ts";
import { REFERENCE_LOOK, WORDS, band, colored, curves, list } from "./panels.ts";
import {
  featureVariable,
  grainVariable,
  metricVariable,
  modelVariable,
  segmentVariable,
  versionsVariable,
  windowVariable,
} from "./variables.ts";

const WINDOWS = `dateDiff('day', w.\`from\`, w.\`to\`) = \${window} AND ${WINDOW_IN_RANGE}`;
/** Figures of the chosen segment over all versions. */
const FIGURES = `${THIS_MODEL} AND ${THIS_SEGMENT} AND w.version = '' AND ${WINDOWS}`;
const finite = (column: string): string => `if(isFinite(${column}), ${column}, NULL)`;

const quality = [
  curves({
    title: "$metric",
    description:
      "The chosen metric from labels, by window, with its 95 % interval (clustered by hour or day, since rows of one hour share their weather).",
    unit: "short",
    decimals: 3,
    size: [16, 9],
    draw: "points",
    overrides: {
      realised: colored("blue"),
      ...band("lower", "upper", "blue"),
    },
    nothing: "no window with labels ends in this time range",
    sql: `
      SELECT w.\`to\` AS t, ${finite("w.value")} AS realised, ${finite("w.lower")} AS lower, ${finite("w.upper")} AS upper
      FROM performance_results AS w FINAL
      WHERE ${FIGURES} AND w.kind = 'realised' AND w.metric = \${metric:sqlstring} ORDER BY t`,
  }),
  curves({
    title: "Labels",
    description:
      "Share of each window's predictions whose label is known. Figures of windows with few labels will still move: read them as drafts.",
    unit: "percentunit",
    size: [8, 9],
    min: 0,
    max: 1,
    draw: "points",
    sql: `
      SELECT w.\`to\` AS t, max(w.labelled) / greatest(max(w.n), 1) AS labelled
      FROM performance_results AS w FINAL
      WHERE ${FIGURES} AND w.kind = 'realised' GROUP BY t ORDER BY t`,
  }),
  curves({
    title: "Calibration in the large",
    description:
      "Mean prediction less share of positives, with its 95 % interval. Zero is right; above it the model promises too much, below too little. The alert asks for two weeks beyond doubt.",
    unit: "percentunit",
    size: [12, 8],
    draw: "points",
    showThresholds: true,
    thresholds: [
      { value: null, color: "transparent" },
      { value: 0, color: "#8e8e8e" },
    ],
    overrides: { calibration: colored("purple"), ...band("lower", "upper", "purple") },
    sql: `
      SELECT w.\`to\` AS t, ${finite("w.value")} AS calibration, ${finite("w.lower")} AS lower, ${finite("w.upper")} AS upper
      FROM performance_results AS w FINAL
      WHERE ${FIGURES} AND w.kind = 'realised' AND w.metric = 'calibration' ORDER BY t`,
  }),
  curves({
    title: "$metric by version",
    description:
      "The chosen metric of each version on the rows that it answered itself; dashed: the estimate that needs no labels, from the version's scores alone, which is blind to a changed world. Only where two versions served together can they be compared here.",
    unit: "short",
    decimals: 3,
    size: [12, 8],
    draw: "points",
    label: ["version", "version"],
    overridesByQuery: { B: REFERENCE_LOOK },
    sql: [
      `
      SELECT w.\`to\` AS t, concat('version ', w.version) AS version, ${finite("w.value")} AS figure
      FROM performance_results AS w FINAL
      WHERE ${THIS_MODEL} AND ${THIS_SEGMENT} AND ${THESE_VERSIONS} AND w.version != '' AND ${WINDOWS}
        AND w.kind = 'realised' AND w.metric = \${metric:sqlstring} ORDER BY t, version`,
      `
      SELECT w.\`to\` AS t, concat('version ', w.version, ' without labels') AS version, ${finite("w.value")} AS estimate
      FROM performance_results AS w FINAL
      WHERE ${THIS_MODEL} AND ${THIS_SEGMENT} AND ${THESE_VERSIONS} AND w.version != '' AND ${WINDOWS}
        AND w.kind = 'estimated' AND w.metric = \${metric:sqlstring} ORDER BY t, version`,
    ],
  }),
  list({
    title: "$metric by segment",
    description:
      "The chosen metric in the newest window of the chosen length, for every value of every declared tag: where the model is worse than elsewhere.",
    unit: "short",
    decimals: 4,
    size: [24, 8],
    nothing: "the model declares no segments, or has no window with labels in this time range",
    units: { labelled: "percentunit", rows: "short" },
    digits: { labelled: 1, rows: 1 },
    sql: `
      SELECT concat(w.segment_tag, ' = ', w.segment_value) AS segment, ${finite("argMax(w.value, w.`to`)")} AS figure,
        ${finite("argMax(w.lower, w.`to`)")} AS lower, ${finite("argMax(w.upper, w.`to`)")} AS upper, argMax(w.n, w.\`to\`) AS rows,
        argMax(w.labelled, w.\`to\`) / greatest(rows, 1) AS labelled, max(w.\`to\`) AS "window's end"
      FROM performance_results AS w FINAL
      WHERE ${THIS_MODEL} AND w.segment_tag != '' AND w.version = '' AND ${WINDOWS}
        AND w.kind = 'realised' AND w.metric = \${metric:sqlstring}
      GROUP BY segment ORDER BY segment LIMIT 200`,
  }),
];

const VERDICTS = `${THIS_MODEL} AND ${THIS_SEGMENT} AND ${WINDOW_IN_RANGE}`;

const drift = [
  curves({
    title: "Drift of features (PSI)",
    description:
      "How far each feature's distribution in a window is from the reference's, as the effect that the verdict rests on; dashed: the least that matters. Drift needs both, an effect that matters and evidence beyond chance.",
    unit: "short",
    decimals: 3,
    size: [12, 9],
    min: 0,
    draw: "points",
    label: ["feature"],
    overrides: { "least that matters": REFERENCE_LOOK },
    nothing: "no window was compared with the reference in this time range",
    sql: [
      `
      SELECT w.\`to\` AS t, toString(w.feature) AS feature, ${finite("w.effect")} AS psi
      FROM drift_results AS w FINAL WHERE ${VERDICTS} AND w.kind = 'feature' ORDER BY t, feature`,
      `
      SELECT w.\`to\` AS t, max(w.threshold) AS "least that matters"
      FROM drift_results AS w FINAL WHERE ${VERDICTS} AND w.kind = 'feature' GROUP BY t ORDER BY t`,
    ],
  }),
  curves({
    title: "Drift of predictions (PSI)",
    description:
      "How far each version's scores are from its scores on its own training set. It moves when inputs do, or when a version is served that is not the one that was trained.",
    unit: "short",
    decimals: 3,
    size: [12, 9],
    min: 0,
    draw: "points",
    label: ["version"],
    overrides: { "least that matters": REFERENCE_LOOK },
    nothing: "no version's scores were compared in this time range",
    sql: [
      `
      SELECT w.\`to\` AS t, concat('version ', w.version) AS version, ${finite("w.effect")} AS psi
      FROM drift_results AS w FINAL
      WHERE ${THIS_MODEL} AND ${THESE_VERSIONS} AND ${EVERY_ROW} AND ${WINDOW_IN_RANGE} AND w.kind = 'prediction'
      ORDER BY t, version`,
      `
      SELECT w.\`to\` AS t, max(w.threshold) AS "least that matters"
      FROM drift_results AS w FINAL
      WHERE ${THIS_MODEL} AND ${EVERY_ROW} AND ${WINDOW_IN_RANGE} AND w.kind = 'prediction'
      GROUP BY t ORDER BY t`,
    ],
  }),
  list({
    title: "Features in their newest window",
    description:
      "The newest verdict on every feature, the largest effect first, with the figures that led to it. 'insufficient' means too few independent rows to tell.",
    unit: "short",
    decimals: 4,
    size: [24, 8],
    nothing: "no window was compared with the reference in this time range",
    words: { verdict: WORDS.verdict },
    units: { rows: "short", "reference rows": "short", p: "sci" },
    digits: { rows: 1, "reference rows": 1, p: 1 },
    widths: {
      ...{ feature: 130, verdict: 90, effect: 75, "least that matters": 145, "raw PSI": 80 },
      ...{ "Jensen-Shannon": 135, "Kolmogorov-Smirnov": 170, "Wasserstein/σ": 115, p: 75 },
      ...{ rows: 80, "reference rows": 125 },
    },
    sql: `
      SELECT toString(w.feature) AS feature, argMax(w.verdict, w.\`to\`) AS verdict, argMax(w.effect, w.\`to\`) AS effect,
        argMax(w.threshold, w.\`to\`) AS "least that matters", argMax(w.psi, w.\`to\`) AS "raw PSI",
        argMax(w.js, w.\`to\`) AS "Jensen-Shannon", ${finite("argMax(w.ks, w.`to`)")} AS "Kolmogorov-Smirnov",
        ${finite("argMax(w.wasserstein, w.`to`)")} AS "Wasserstein/σ", ${finite("argMax(w.p_value, w.`to`)")} AS p,
        argMax(w.n, w.\`to\`) AS rows, argMax(w.reference_n, w.\`to\`) AS "reference rows",
        max(w.\`to\`) AS "window's end", argMax(w.reason, w.\`to\`) AS reason
      FROM drift_results AS w FINAL WHERE ${VERDICTS} AND w.kind = 'feature'
      GROUP BY feature ORDER BY effect DESC LIMIT 200`,
  }),
];

const loop = [
  list({
    title: "Alerts about inputs and quality",
    description:
      "Alerts of this model that were open within the time range, service alerts left out. Click a title for the whole explanation.",
    unit: "short",
    size: [24, 7],
    nothing: "no such alert was open in this time range",
    links: { id: ALERT_LINKS, title: ALERT_TITLE_LINKS },
    words: { severity: WORDS.severity, state: WORDS.state },
    widths: { severity: 90, state: 90, kind: 120, cause: 100, id: 210 },
    sql: `
      SELECT a.\`from\` AS "from", a.\`to\` AS "to", a.severity AS severity, a.state AS state, a.kind AS kind,
        a.title AS title, a.cause AS cause, a.id AS id
      FROM alerts AS a FINAL
      WHERE ${THIS_MODEL} AND ${OVERLAPS_RANGE}
        AND a.kind NOT IN ${SERVICE_KINDS}
      ORDER BY a.\`from\` DESC LIMIT 200`,
  }),
  list({
    title: "Looks at whether to retrain",
    description:
      "Every due check, also those that decided to wait, with the numbers that decided. INVESTIGATE: a run is due and broken data forbid it.",
    unit: "short",
    size: [24, 9],
    nothing: "no check was due in this time range",
    links: { run: RUN_LINKS },
    words: { decision: WORDS.decision },
    widths: { decision: 120, trigger: 260, run: 250 },
    sql: `
      SELECT k.at AS at, k.decision AS decision, k.reason AS reason, k.trigger AS trigger, k.run_id AS run
      FROM retraining_checks AS k FINAL
      WHERE ${THIS_MODEL} AND $__timeFilter_ms(k.at) ORDER BY k.at DESC LIMIT 200`,
  }),
];

export function driftAndQuality(): Dashboard {
  return dashboard({
    name: "drift",
    title: "drift and quality",
    description:
      "Is the model still good, and are its inputs still what it learnt from? Verdicts are Driftmend's, computed once; distributions come from the rollups.",
    tags: ["model"],
    page: PAGE.model("${model:percentencode}"),
    from: "now-90d",
    refresh: "5m",
    variables: [
      modelVariable(),
      versionsVariable(),
      segmentVariable(),
      metricVariable(),
      windowVariable(),
      featureVariable(),
      grainVariable("1d"),
    ],
    annotations: annotations(THIS_MODEL),
    rows: [
      { title: "Quality, from labels", panels: quality },
      { title: "Drift, by window", panels: drift },
      { title: "Distributions in the time range, the reference's behind", panels: distributions },
      { title: "Quality of the inputs", panels: inputQuality },
      { title: "What was said and decided", panels: loop },
    ],
  });
}
