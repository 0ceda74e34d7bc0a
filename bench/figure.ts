/** One measured figure, as a check reads it (INTERFACES §9). */
export interface Figure {
  readonly bench: string;
  readonly metric: string;
  readonly value: number;
  readonly unit: string;
  /** Quotient to what it was measured against in the same run; null where it stands alone. */
  readonly ratio: number | null;
  readonly against: string | null;
}
