/**
 * The null experiment of `--permute-labels`: one permutation of the labels of weeks 6–26, training set
 * included. Features keep their story and labels lose theirs, so no model can be better than another.
 */
import { type Random, seededRandom } from "../../../runtime/random.ts";
import { LIVE_WEEKS, TRAINING_WEEKS } from "./calendar.ts";
import { type Flights, withColumns } from "./flights-file.ts";
import { rowsOfWeeks } from "./training-set.ts";

const PERMUTATION_SEED = 2001;

/** The same flights with permuted `late`; the given ones are not touched. */
export function permuteLabels(
  flights: Flights,
  random: Random = seededRandom(PERMUTATION_SEED),
): Flights {
  const [from] = rowsOfWeeks(flights, TRAINING_WEEKS.first, TRAINING_WEEKS.first);
  const [, to] = rowsOfWeeks(flights, LIVE_WEEKS.last, LIVE_WEEKS.last);
  const late = flights.late.slice();
  for (let i = to - 1; i > from; i--) {
    const j = from + random.integer(i - from + 1);
    const kept = late[i] ?? 0;
    late[i] = late[j] ?? 0;
    late[j] = kept;
  }
  return withColumns({ ...flights, late }, flights.airports, flights.shiftMs);
}
