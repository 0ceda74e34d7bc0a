/**
 * How much a reading account may ask for at a time. It may lower these limits and not raise them: a panel with
 * a query that runs for ever is ended, and the services' own queries go on. What a request's parameters ask
 * for beyond them is cut, since drivers send their own time-outs with each query; what a statement says is
 * refused, so that its writer learns it.
 */
import { LIMITS } from "../../contract/limits.ts";

const MAXIMA: Readonly<Record<string, number>> = {
  max_execution_time: LIMITS.endpointReaderSecondsMax,
  max_result_rows: LIMITS.endpointReaderResultRowsMax,
  max_result_bytes: LIMITS.endpointReaderResultBytesMax,
};

/** A reader's settings with every limit in it, none beyond its maximum. */
export function limitReader(asked: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const limited = new Map(asked);
  for (const [name, maximum] of Object.entries(MAXIMA)) {
    const value = asked.get(name);
    if (value === undefined || isBeyond(value, maximum)) limited.set(name, String(maximum));
  }
  return limited;
}

/** What a statement's SETTINGS may not say, or undefined. */
export function limitProblem(name: string, value: string): string | undefined {
  const maximum = MAXIMA[name];
  if (maximum === undefined || !isBeyond(value, maximum)) return undefined;
  return `set "${name}" to more than ${maximum}`;
}

/** Zero is without limit to the engine, and what is no number is not trusted to be one. */
function isBeyond(value: string, maximum: number): boolean {
  const number = Number(value.replaceAll("'", ""));
  return !(number > 0 && number <= maximum);
}
