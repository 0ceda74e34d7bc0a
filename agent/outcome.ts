/** What became of the records of one request, in numbers. */

export interface Outcome {
  predictions: number;
  labels: number;
  serverMetrics: number;
  /** By reason. */
  deadLetters: Map<string, number>;
  /** Predictions that a model's sample leaves out, as its document asks. */
  sampledOut: number;
  /** Labels of such predictions: stored, and waited for by nobody. */
  labelsUnsampled: number;
  /** Predictions over their model's rate, by model: not kept. */
  shed: Map<string, number>;
  /** Predictions given up because the spool fills, by model; those that are kept stand for them. */
  thinned: Map<string, number>;
  /** Dead letters that are kept without their sample for that reason. */
  samplesShed: number;
  /** Records that are neither predictions nor labels: accepted and not looked at further. */
  unknown: number;
  /** Attributes that the SDK says it dropped, and the records concerned. */
  droppedAttributes: number;
  droppedRecords: number;
  /** Features, tags and probabilities of a type that is not stored, twice in a record, or over a maximum. */
  valuesSkipped: number;
  /** Features whose name is one more than their model may have. */
  featuresOverLimit: number;
  /** Texts that were cut. */
  valuesCut: number;
}

export function emptyOutcome(): Outcome {
  return {
    predictions: 0,
    labels: 0,
    serverMetrics: 0,
    deadLetters: new Map(),
    sampledOut: 0,
    labelsUnsampled: 0,
    shed: new Map(),
    thinned: new Map(),
    samplesShed: 0,
    unknown: 0,
    droppedAttributes: 0,
    droppedRecords: 0,
    valuesSkipped: 0,
    featuresOverLimit: 0,
    valuesCut: 0,
  };
}

export function deadLetterCount({ deadLetters }: Outcome): number {
  let count = 0;
  for (const rows of deadLetters.values()) count += rows;
  return count;
}

export function shedCount({ shed }: Outcome): number {
  let count = 0;
  for (const rows of shed.values()) count += rows;
  return count;
}

/**
 * "3 records were set aside as dead letters: 2 id_missing, 1 time_ahead; 40 were not kept: 40 of m are over its rate
 * (rate_limited)"; null where there is nothing to tell.
 */
export function refusalText(outcome: Outcome, told: number): string | null {
  const texts = [deadLetterText(outcome, told), shedText(outcome, told)];
  const given = texts.filter((text) => text !== null);
  return given.length === 0 ? null : given.join("; ");
}

function deadLetterText(outcome: Outcome, reasonsMax: number): string | null {
  const count = deadLetterCount(outcome);
  if (count === 0) return null;
  const reasons = [...outcome.deadLetters].slice(0, reasonsMax);
  const told = reasons.map(([reason, rows]) => `${rows} ${reason}`).join(", ");
  return `${count} ${count === 1 ? "record was" : "records were"} set aside as dead letters: ${told}`;
}

function shedText(outcome: Outcome, modelsMax: number): string | null {
  const count = shedCount(outcome);
  if (count === 0) return null;
  const models = [...outcome.shed].slice(0, modelsMax);
  const told = models.map(([model, rows]) => `${rows} of ${model}`).join(", ");
  return `${count} ${count === 1 ? "record was" : "records were"} not kept, over the rate of their model (rate_limited): ${told}; do not send them again`;
}
