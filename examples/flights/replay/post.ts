/** HTTP of the replay: kept-alive connections and back-off, because a busy system answers 503. */
import { Agent, request } from "node:http";
import type { Clock } from "../../../runtime/clock.ts";

export interface Answer {
  readonly status: number;
  readonly body: string;
}

export interface Poster {
  post(url: string, contentType: string, body: string): Promise<Answer>;
  /** Repeats on 429, 503 and broken connections until it is taken; other answers are errors. */
  postUntilTaken(url: string, contentType: string, body: string): Promise<void>;
  close(): void;
}

const ATTEMPTS_MAX = 240;
const DELAY_MS_MAX = 2_000;

export function createPoster(connectionsMax: number, deps: { clock: Clock }): Poster {
  const agent = new Agent({ keepAlive: true, maxSockets: connectionsMax });
  const post = (url: string, contentType: string, body: string): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const bytes = Buffer.from(body);
      const headers = { "content-type": contentType, "content-length": bytes.length };
      const sent = request(url, { method: "POST", agent, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () =>
          resolve({
            status: response.statusCode ?? 0,
            body: Buffer.concat(chunks).toString("utf8"),
          }),
        );
      });
      sent.on("error", reject);
      sent.end(bytes);
    });
  return {
    post,
    postUntilTaken: async (url, contentType, body) => {
      for (let attempt = 1; ; attempt++) {
        const answer = await post(url, contentType, body).catch((error: unknown) => ({
          status: 0,
          body: String(error),
        }));
        if (answer.status >= 200 && answer.status < 300) return;
        const mayRetry = answer.status === 0 || answer.status === 429 || answer.status === 503;
        if (!mayRetry || attempt === ATTEMPTS_MAX) {
          throw new Error(
            `Cannot post to "${url}": ${answer.status} ${answer.body.slice(0, 300)} after ${attempt} attempts`,
          );
        }
        await deps.clock.sleep(Math.min(DELAY_MS_MAX, 50 * 2 ** Math.min(attempt, 10)));
      }
    },
    close: () => agent.destroy(),
  };
}
