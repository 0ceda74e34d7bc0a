/** How figures read in sentences, and what of them goes into journals and tables. */

/** Four digits behind the point, a real minus sign. */
export function show(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "unknown" : value > 0 ? "∞" : "−∞";
  return value.toFixed(4).replace("-", "−");
}

export const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

/** Journals and tables hold finite numbers or null. */
export const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);

/** "2026-08-10T00:00Z": model times are read by people. */
export const showTime = (ms: number): string => `${new Date(ms).toISOString().slice(0, 16)}Z`;

/** "10 %", "2.5 %": of a share that a person wrote down. */
export const wholePercent = (share: number): string => `${Number((share * 100).toFixed(1))} %`;
