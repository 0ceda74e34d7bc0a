/**
 * A lease on a shard in NATS KV: who should own it. Only a hint that keeps collectors out of each other's
 * way; what protects the data is the epoch in the statements (store/queries/fence.ts).
 */
import { Kvm, type KV } from "@nats-io/kv";
import { LIMITS } from "../contract/limits.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Nats } from "../runtime/nats.ts";

const BUCKET = "driftmend_leases";
const RENEWALS_PER_TTL = 3;

export interface Lease {
  /** Aborted when the lease was lost or released. */
  readonly lost: AbortSignal;
  release(): Promise<void>;
}

interface LeaseDeps {
  readonly nats: Nats;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Waits until the shard is free, or held by `instance` itself: the same instance after a restart need not
 * wait for its predecessor's lease to run out.
 */
export async function takeLease(
  shard: number,
  instance: string,
  deps: LeaseDeps,
  abort: AbortSignal,
): Promise<Lease> {
  const key = `shard-${shard}`;
  for (;;) {
    abort.throwIfAborted();
    try {
      const kv = await openBucket(deps.nats);
      const revision = await tryTake(kv, key, instance);
      if (revision !== null) return keepLease(kv, key, instance, revision, deps);
    } catch (error) {
      deps.logger.debug({ err: error, shard }, "the lease cannot be read");
    }
    await deps.clock.sleep(LIMITS.leaseTtlMs / RENEWALS_PER_TTL, abort);
  }
}

function openBucket(nats: Nats): Promise<KV> {
  return new Kvm(nats.jetstream).create(BUCKET, { ttl: LIMITS.leaseTtlMs, history: 1 });
}

/** The revision of the lease, or null when another instance holds it. */
async function tryTake(kv: KV, key: string, instance: string): Promise<number | null> {
  const held = await kv.get(key);
  try {
    if (held === null || held.operation !== "PUT") return await kv.create(key, instance);
    if (held.string() === instance) return await kv.update(key, instance, held.revision);
  } catch {
    // Somebody was faster.
  }
  return null;
}

function keepLease(
  kv: KV,
  key: string,
  instance: string,
  firstRevision: number,
  deps: LeaseDeps,
): Lease {
  let revision = firstRevision;
  const lost = new AbortController();
  const stop = deps.clock.every(LIMITS.leaseTtlMs / RENEWALS_PER_TTL, async () => {
    if (lost.signal.aborted) return;
    try {
      revision = await kv.update(key, instance, revision);
    } catch (error) {
      // Without a server nobody else can take it either; the epoch decides when it is back.
      const held = await kv.get(key).catch(() => undefined);
      const ours = held !== undefined && (held === null || held?.string() === instance);
      if (ours) revision = held?.revision ?? 0;
      if (held !== undefined && !ours) {
        deps.logger.warn({ err: error, key }, "the lease of a shard was lost");
        lost.abort();
      }
    }
  });
  return {
    lost: lost.signal,
    release: async () => {
      stop();
      if (lost.signal.aborted) return;
      lost.abort();
      await kv.delete(key, { previousSeq: revision }).catch(() => undefined);
    },
  };
}
