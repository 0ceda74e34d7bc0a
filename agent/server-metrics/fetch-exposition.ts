/** One GET of a Prometheus endpoint: bounded in time and bytes, no redirects, no cookies, nothing kept. */
import { readFile } from "node:fs/promises";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { LIMITS } from "../../contract/limits.ts";

/** @throws {DriftmendError} scrape_failed */
export async function fetchExposition(url: string, tokenFile: string | null): Promise<string> {
  const headers: Record<string, string> = {
    accept: "text/plain;version=0.0.4,application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1",
    "user-agent": "driftmend-agent",
  };
  if (tokenFile !== null) headers["authorization"] = `Bearer ${await tokenIn(tokenFile)}`;
  const signal = AbortSignal.timeout(LIMITS.scrapeTimeoutMs);
  try {
    const response = await fetch(url, { headers, redirect: "error", signal });
    if (!response.ok || response.body === null) {
      await response.body?.cancel();
      throw failed(url, `it answered ${response.status}`);
    }
    return await textOf(url, response.body);
  } catch (error) {
    if (error instanceof DriftmendError) throw error;
    throw failed(url, reasonOf(error), error);
  }
}

async function textOf(url: string, body: ReadableStream<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > LIMITS.scrapeBytesMax) {
      throw failed(url, `its answer has more than ${LIMITS.scrapeBytesMax} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

async function tokenIn(path: string): Promise<string> {
  try {
    return (await readFile(path, "utf8")).trim();
  } catch (cause) {
    throw failed(path, "the file of its token cannot be read", cause);
  }
}

/** `fetch` hides the reason one level down. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "TimeoutError") return `no answer within ${LIMITS.scrapeTimeoutMs} ms`;
  return error.cause instanceof Error ? error.cause.message : error.message;
}

function failed(url: string, state: string, cause?: unknown): DriftmendError {
  return new DriftmendError("scrape_failed", {
    retry: "later",
    message: `Cannot read the metrics at ${url}: ${state}`,
    next: "Ask the address with curl from the agent's machine; the agent goes on asking by itself.",
    cause,
  });
}
