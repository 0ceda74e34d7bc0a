/** Load: prepared bodies over a fixed number of connections, the next one when the one before is answered. */
import { Agent, type OutgoingHttpHeaders, request } from "node:http";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { systemClock } from "../../runtime/clock.ts";
import type { PreparedBody } from "./prepared-body.ts";

export interface Load {
  readonly bodies: readonly PreparedBody[];
  /** At most as many as there are bodies. */
  readonly connections: number;
  /** Counts on over several loads, so that no id comes twice. */
  readonly numbers: { next: number };
  readonly send: (body: PreparedBody) => Promise<void>;
  /** Absent: as fast as answers come. */
  readonly bodiesPerSecond?: number;
}

/** @returns the predictions that were answered with success */
export async function sendFor(load: Load, durationMs: number): Promise<number> {
  const { connections, numbers, send, bodiesPerSecond } = load;
  const begunMs = systemClock.monotonicMs();
  const endMs = begunMs + durationMs;
  const free = [...load.bodies];
  let sent = 0;
  let bodiesSent = 0;
  const lane = async (): Promise<void> => {
    while (systemClock.monotonicMs() < endMs) {
      if (bodiesPerSecond !== undefined) {
        const dueMs = begunMs + (1000 * bodiesSent) / bodiesPerSecond;
        const earlyMs = dueMs - systemClock.monotonicMs();
        bodiesSent++;
        if (earlyMs > 0) await systemClock.sleep(earlyMs);
      }
      const body = free.shift();
      if (body === undefined) throw new RangeError("More connections than bodies");
      body.stamp(numbers.next++, systemClock.nowMs());
      await send(body);
      sent += body.rows;
      free.push(body);
    }
  };
  await Promise.all(Array.from({ length: connections }, lane));
  return sent;
}

export interface HttpSender extends Disposable {
  readonly send: (body: PreparedBody) => Promise<void>;
}

const GZIP_LEVEL = 1;

/** OTLP/HTTP protobuf, and the labels of a body that has some. */
export function httpSender(
  url: string,
  options: { readonly connections: number; readonly gzip?: boolean },
): HttpSender {
  const agent = new Agent({ keepAlive: true, maxSockets: options.connections });
  const compress = promisify(gzip);
  const send = async (body: PreparedBody): Promise<void> => {
    const type = { "content-type": "application/x-protobuf" };
    if (options.gzip === true) {
      const packed = await compress(body.predictions, { level: GZIP_LEVEL });
      await post(`${url}/v1/logs`, { ...type, "content-encoding": "gzip" }, packed, agent);
    } else {
      await post(`${url}/v1/logs`, type, body.predictions, agent);
    }
    if (body.labels.length === 0) return;
    const lines = { "content-type": "application/x-ndjson" };
    await post(`${url}/v1/labels`, lines, body.labels, agent);
  };
  return { send, [Symbol.dispose]: () => agent.destroy() };
}

export function post(
  url: string,
  headers: OutgoingHttpHeaders,
  body: Buffer,
  agent: Agent,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const all = { ...headers, "content-length": body.length };
    const sending = request(url, { method: "POST", agent, headers: all }, (response) => {
      response.resume();
      response.once("end", () => {
        if (response.statusCode === 200) resolve();
        else reject(new Error(`${url} was answered with ${response.statusCode ?? 0}`));
      });
    });
    sending.once("error", reject);
    sending.end(body);
  });
}
