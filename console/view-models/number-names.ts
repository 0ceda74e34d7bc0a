/** The numbers that come with verdicts, named as a person reads them and written by what they are. */
import { formatCount, formatFixed, formatNumber, formatP, formatShare } from "../format/numbers.ts";
import { formatDuration } from "../format/times.ts";

const NAMES: Readonly<Record<string, string>> = {
  pValue: "p",
  brokenDays: "Days with the break",
  silentMs: "Silent for",
  upperBound: "One-sided 95 % bound",
  lowerBound: "Lower bound",
};

/** "labelCoverage" → "Label coverage". */
export function numberName(name: string): string {
  const known = NAMES[name];
  if (known !== undefined) return known;
  const words = name.replace(/Ms$/, "").replace(/([a-z])([A-Z])/g, "$1 $2");
  const lower = words.replace(/ [A-Z][a-z]/g, (word) => word.toLowerCase());
  return lower.charAt(0).toUpperCase() + lower.slice(1);
}

const SHARES = /^(?:share|promised|coverage|labelCoverage|churn|errorShare|sampleShare)$/;
const COUNTS =
  /^(?:rows|errors|blocks|weeks|brokenDays|labelled|predictions|trainRows|missing\w*)$/;

export function numberText(name: string, value: number | string | boolean | null): string {
  if (value === null) return formatNumber(null);
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "string") return value;
  if (name.endsWith("Ms")) return formatDuration(value);
  if (/^p(?:Value)?$/.test(name)) return formatP(value);
  if (SHARES.test(name)) return formatShare(value);
  if (COUNTS.test(name)) return formatCount(value);
  return Math.abs(value) < 10 ? formatFixed(value, 4).replace(/\.?0+$/, "") : formatNumber(value);
}
