/** One request on its way: what is asked by whom, and how its jobs are run. */
import type { Role } from "./authenticate.ts";
import type { Coding } from "./compression.ts";
import type { LaneName } from "./lane-queues.ts";
import type { EngineJob } from "./engine-protocol.ts";
import type { EndpointRequest } from "./request.ts";
import type { Statement } from "./statement.ts";

export interface Ask {
  readonly statement: Statement;
  /** The request's text; empty for INSERTs with data. */
  readonly text: string;
  readonly data: {
    readonly first: Buffer;
    readonly rest: AsyncIterator<Buffer, void>;
    readonly sizeHint: number | undefined;
  };
  readonly asked: EndpointRequest;
  readonly role: Role;
  readonly user: string;
  readonly readonly: boolean;
  readonly coding: Coding | undefined;
  /** Fires when the client is gone or has its whole reply. */
  readonly gone: AbortSignal;
}

/** How the jobs of one request are run. */
export interface Plan {
  readonly lane: LaneName;
  readonly session: EngineJob["session"];
  readonly before: string;
  readonly killTag: string;
}
