/**
 * `ready.json` in the data directory, readable by its owner only: where a system that `up` runs answers,
 * and the tokens for it. The other commands, the example and checks find the system by it.
 */
import { z } from "zod";

export const READY_FILE = "ready.json";

export const ReadyFile = z.object({
  /** The gateway: /api, /healthz, /readyz, /metrics. */
  url: z.url(),
  otlpHttp: z.url(),
  /** Null where the door is turned off. */
  otlpGrpc: z.url().nullable(),
  /** With its credentials: nats://user:password@host:port. */
  nats: z.string(),
  /** The account of the services, which may do everything, and one that may only read, for Grafana and people. */
  clickhouse: z.object({
    url: z.url(),
    user: z.string(),
    password: z.string(),
    readUser: z.string(),
    readPassword: z.string(),
  }),
  /** Bearer token that may act. */
  token: z.string(),
  readToken: z.string(),
  dataDir: z.string(),
  /** Of `up` itself. */
  pid: z.int(),
});
export type ReadyFile = z.infer<typeof ReadyFile>;
