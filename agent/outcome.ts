/** What became of the records of one request, in numbers. */

export interface Outcome {
  predictions: number;
  labels: number;
  serverMetrics: number;
  /** By reason. */
  deadLetters: Map<string, number>;
  /** Records that are neither predictions nor labels: accepted and not looked at further. */
  unknown: number;
  /** Attributes that the SDK says it dropped, and the records concerned. */
  droppedAttributes: number;
  droppedRecords: number;
  /** Features, tags and probabilities of a type that is not stored, twice in a record, or over a maximum. */
  valuesSkipped: number;
  /** Texts that were cut. */
  valuesCut: number;
}

export function emptyOutcome(): Outcome {
  return {
    predictions: 0,
    labels: 0,
    serverMetrics: 0,
    deadLetters: new Map(),
    unknown: 0,
    droppedAttributes: 0,
    droppedRecords: 0,
    valuesSkipped: 0,
    valuesCut: 0,
  };
}

export function deadLetterCount({ deadLetters }: Outcome): number {
  let count = 0;
  for (const rows of deadLetters.values()) count += rows;
  return count;
}

/** "3 records were set aside: 2 id_missing, 1 time_ahead"; null where none was. */
export function refusalText(outcome: Outcome, reasonsMax: number): string | null {
  const count = deadLetterCount(outcome);
  if (count === 0) return null;
  const reasons = [...outcome.deadLetters].slice(0, reasonsMax);
  const told = reasons.map(([reason, rows]) => `${rows} ${reason}`).join(", ");
  return `${count} ${count === 1 ? "record was" : "records were"} set aside as dead letters: ${told}`;
}
