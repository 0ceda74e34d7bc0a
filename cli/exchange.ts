/**
 * One HTTP request and its whole answer, by node:http: loading `fetch` costs a command some 60 ms, a
 * tenth of what it may take. Importing node:http would load it as well, since an import reads every
 * export, WebSocket included: hence `getBuiltinModule`.
 */

export interface ExchangeOptions {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly timeoutMs: number;
}

export interface Exchanged {
  readonly status: number;
  /** Where a redirect points; redirects are not followed, so a token goes nowhere else. */
  readonly location: string | null;
  readonly text: string;
}

/** @throws {Error} no answer, or none in time */
export async function exchange(url: URL, options: ExchangeOptions): Promise<Exchanged> {
  const { method, headers, body, timeoutMs } = options;
  const { request } = process.getBuiltinModule(
    url.protocol === "https:" ? "node:https" : "node:http",
  );
  const signal = AbortSignal.timeout(timeoutMs);
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, signal }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString("utf8");
        const { statusCode = 0, headers: answered } = response;
        resolve({ status: statusCode, location: answered.location ?? null, text });
      });
    });
    sent.on("error", (error) => reject(signal.aborted ? late(timeoutMs) : error));
    sent.end(body);
  });
}

function late(timeoutMs: number): Error {
  return new Error(`no answer within ${timeoutMs / 1000} s`);
}
