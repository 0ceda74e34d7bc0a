/** Dead letters that hold what is erased, by a look at their plain text. */
import type { Store } from "../../store/client.ts";
import { lettersOf } from "../../store/queries/erase-rows.ts";
import { type ErasureBody, spellings } from "./request.ts";

/** Shorter texts are found in the bytes of anything. */
const SEARCHED_BYTES_MIN = 6;
const LETTERS_AT_ONCE = 1_000;

export interface FoundLetter {
  readonly letter: string;
  readonly shard: number;
  readonly n: number;
  /** Records that go with it: more than one where a whole section could not be read or was set aside. */
  readonly rows: number;
}

/** @param erasure whose ids are written down; empty: none are yet */
export async function findLetters(
  { model, what }: Pick<ErasureBody, "model" | "what">,
  erasure: string,
  store: Store,
): Promise<readonly FoundLetter[]> {
  const isPrediction = what.kind === "prediction";
  const text = isPrediction ? what.id : what.value;
  return store.query(lettersOf, {
    model,
    erasure,
    id: isPrediction ? what.id : "",
    ids: isPrediction ? [what.id] : [],
    place: what.kind === "tag" ? "tags" : "features",
    name: isPrediction ? "" : what.name,
    values: isPrediction ? [] : spellings(text).flatMap((one) => [one, JSON.stringify(one)]),
    bytes: Buffer.byteLength(text) >= SEARCHED_BYTES_MIN ? text : "",
    limit: LETTERS_AT_ONCE,
  });
}
