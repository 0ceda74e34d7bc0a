/**
 * The chunks of a request's body, one by one as they come. A stream's own iterator would join those that wait for their
 * turn into one more copy.
 */
import { type Readable, finished } from "node:stream";

/**
 * Resolves at the body's end; rejects with what `take` throws, or where the sender goes before. Then the connection is
 * left alone, with what still comes on it.
 */
export function eachChunk(body: Readable, take: (chunk: Buffer) => void): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onData = (chunk: Buffer): void => {
    try {
      take(chunk);
    } catch (error) {
      leave();
      reject(error instanceof Error ? error : new Error(String(error)));
    }
  };
  const forget = finished(body, { writable: false }, (error) => {
    leave();
    if (error === undefined || error === null) resolve();
    else reject(error);
  });
  const leave = (): void => {
    forget();
    body.off("data", onData).pause();
  };
  body.on("data", onData).resume();
  return promise;
}
