/** Lines through the agent's door, for commands that hand something in. */
import { z } from "zod";
import { DriftmendError } from "../contract/driftmend-error.ts";
import type { Remote } from "./remote.ts";

const POST_TIMEOUT_MS = 60_000;

/** `repeated`: the same bytes came before, and are not counted again. */
const Taken = z.looseObject({
  accepted: z.int(),
  rejected: z.int(),
  reasons: z.record(z.string(), z.int()).prefault({}),
  repeated: z.boolean(),
});
export type Taken = z.output<typeof Taken>;

/** @throws {DriftmendError} lines_refused: sent again, they are counted once */
export async function postLines(
  { found }: Pick<Remote, "found">,
  door: "events" | "labels",
  body: string,
): Promise<Taken> {
  const url = found.kind === "local" ? found.ready.otlpHttp : found.url;
  const token = found.kind === "local" ? found.ready.token : found.token;
  const response = await fetch(new URL(`/v1/${door}`, url), {
    method: "POST",
    headers: {
      "content-type": "application/x-ndjson",
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    },
    body,
    signal: AbortSignal.timeout(POST_TIMEOUT_MS),
  });
  if (response.ok) return Taken.parse(await response.json());
  throw new DriftmendError("lines_refused", {
    retry: response.status >= 500 ? "later" : "never",
    message: `Cannot hand ${door} to the agent as it must accept them: HTTP ${response.status} ${(await response.text()).slice(0, 300)}`,
    next: "The same may be sent again: what was taken in is counted once.",
  });
}
