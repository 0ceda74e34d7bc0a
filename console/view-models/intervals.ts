/** Intervals that the page computes itself: of shares, from counts (Wilson's, 95 %). */

const Z = 1.959964;

/** Null without rows. */
export function shareInterval(
  part: number,
  whole: number,
): { readonly value: number; readonly lower: number; readonly upper: number } | null {
  if (whole <= 0) return null;
  const share = part / whole;
  const z2 = Z * Z;
  const center = (share + z2 / (2 * whole)) / (1 + z2 / whole);
  const reach =
    (Z * Math.sqrt((share * (1 - share)) / whole + z2 / (4 * whole * whole))) / (1 + z2 / whole);
  return {
    value: share,
    lower: part === 0 ? 0 : Math.max(0, center - reach),
    upper: part === whole ? 1 : Math.min(1, center + reach),
  };
}
