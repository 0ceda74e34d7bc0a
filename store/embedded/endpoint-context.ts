/** What every request handler is given: the engine, files, accounts, limits and effects. */
import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { Accounts } from "./authenticate.ts";
import type { EngineFacts } from "./engine-facts.ts";
import type { EnginePool } from "./engine-pool.ts";
import type { NamedSessions } from "./named-sessions.ts";
import type { Spool } from "./spool.ts";
import type { TableFolders } from "./table-folders.ts";

export interface EndpointLimits {
  readonly statementBytesMax: number;
  readonly insertBytesMax: number;
  readonly resultFileBytesMax: number;
  /** Bytes that one query may use of the engine's memory. */
  readonly queryMemoryBytesMax: number;
}

export interface EndpointCounters {
  statement(kind: string, role: string): void;
  failure(code: string): void;
}

export interface EndpointContext {
  readonly accounts: Accounts;
  readonly limits: EndpointLimits;
  readonly facts: EngineFacts;
  readonly pool: EnginePool;
  readonly sessions: NamedSessions;
  readonly spool: Spool;
  readonly tables: Pick<TableFolders, "settle">;
  readonly displayName: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly counters: EndpointCounters;
  /** Text exposition format of Prometheus. */
  renderMetrics(): Promise<string>;
  /** A name that no other request of any process has. */
  newId(): string;
}
