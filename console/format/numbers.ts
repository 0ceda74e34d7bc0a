/** Numbers as people read them: a minus that is one, thin spaces between thousands, no digits that mean nothing. */

const THIN = "\u202f";
const MINUS = "\u2212";
export const NOTHING = "–";

type Maybe = number | null | undefined;

const signed = (text: string): string => text.replace("-", MINUS);

/** 112426 → "112 426". */
export function formatCount(value: Maybe): string {
  if (value == null || !Number.isFinite(value)) return NOTHING;
  const digits = String(Math.abs(Math.round(value))).replace(/\B(?=(\d{3})+$)/g, THIN);
  return value <= -0.5 ? `${MINUS}${digits}` : digits;
}

/** With as many decimals as given; "−0.0" is "0.0". */
export function formatFixed(value: Maybe, decimals: number): string {
  if (value == null || !Number.isFinite(value)) return NOTHING;
  const text = value.toFixed(decimals);
  return signed(Number(text) === 0 ? text.replace("-", "") : text);
}

/** 0.0221 → "2.21 %": one more digit for small shares, none for 0 and 1. */
export function formatShare(value: Maybe): string {
  if (value == null || !Number.isFinite(value)) return NOTHING;
  const percent = value * 100;
  if (percent === 0 || percent === 100) return `${percent}${THIN}%`;
  const size = Math.abs(percent);
  return `${formatFixed(percent, size < 0.1 ? 3 : size < 10 ? 2 : 1)}${THIN}%`;
}

/** Three significant digits, in scientific notation where it is very small or large. */
export function formatNumber(value: Maybe): string {
  if (value == null || !Number.isFinite(value)) return NOTHING;
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e9) return formatCount(value);
  if (size < 1e-4 || size >= 1e9) {
    const [digits = "", power = ""] = value.toExponential(1).split("e");
    return `${signed(digits)}e${signed(power.replace("+", ""))}`;
  }
  return signed(size >= 1000 ? value.toFixed(0) : String(Number(value.toPrecision(3))));
}

/** p-values: "< 0.0001" says all there is to know. */
export function formatP(value: Maybe): string {
  if (value == null || !Number.isFinite(value)) return NOTHING;
  if (value < 1e-4) return `<${THIN}0.0001`;
  return value >= 0.1 ? value.toFixed(2) : String(Number(value.toPrecision(2)));
}

/** Seconds as µs, ms or s. */
export function formatSeconds(value: Maybe): string {
  if (value == null || !Number.isFinite(value)) return NOTHING;
  if (value === 0) return "0";
  if (value < 1e-3) return `${(value * 1e6).toFixed(0)}${THIN}µs`;
  if (value < 1) return `${Number((value * 1e3).toPrecision(3))}${THIN}ms`;
  return `${Number(value.toPrecision(3))}${THIN}s`;
}

/** "[0.051, 0.116]"; empty where there is no interval. */
export function formatInterval(
  of: { readonly lower: Maybe; readonly upper: Maybe },
  format: (value: Maybe) => string,
): string {
  if (of.lower == null || of.upper == null) return "";
  return `[${format(of.lower)}, ${format(of.upper)}]`;
}
