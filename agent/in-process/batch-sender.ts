/** Sends batches one after the other, each until it is taken or can never be. */

export interface Batch {
  /** ExportLogsServiceRequest. */
  readonly body: Buffer;
  readonly records: number;
}

const RETRY_MS = 1_000;

type Sent =
  | { readonly kind: "taken"; readonly dropped: number }
  | { readonly kind: "later"; readonly afterMs: number };

export class BatchSender {
  /** Bytes that wait. */
  waiting = 0;
  /** Records that the agent set aside or refused. */
  dropped = 0;
  private readonly address: URL;
  private readonly headers: Readonly<Record<string, string>>;
  private readonly batches: Batch[] = [];
  private sending: Promise<void> | null = null;
  private closing = false;
  /** Ends the wait for the next try. */
  private wake: () => void = () => undefined;

  constructor(url: string, token: string | undefined) {
    this.address = new URL("/v1/logs", url);
    const own = { "content-type": "application/x-protobuf" };
    this.headers = token === undefined ? own : { ...own, authorization: `Bearer ${token}` };
  }

  add(batch: Batch): void {
    this.batches.push(batch);
    this.waiting += batch.body.length;
    this.sending ??= this.sendAll().finally(() => {
      this.sending = null;
    });
  }

  /** Resolves when nothing waits, or after so long. */
  async close(withinMs: number): Promise<void> {
    this.wake();
    let timer: NodeJS.Timeout | undefined;
    // It keeps the process until then: who awaits it must come to its end.
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        this.closing = true;
        resolve();
      }, withinMs);
    });
    await Promise.race([this.sending, late]);
    clearTimeout(timer);
  }

  private async sendAll(): Promise<void> {
    for (let [batch] = this.batches; batch !== undefined; [batch] = this.batches) {
      const outcome = await this.send(batch);
      if (outcome.kind === "taken") {
        this.dropped += outcome.dropped;
        this.batches.shift();
        this.waiting -= batch.body.length;
        continue;
      }
      if (this.closing) return;
      const waits = Promise.withResolvers<void>();
      this.wake = waits.resolve;
      setTimeout(waits.resolve, outcome.afterMs).unref();
      await waits.promise;
    }
  }

  private async send({ body, records }: Batch): Promise<Sent> {
    const { headers } = this;
    try {
      const answer = await fetch(this.address, { method: "POST", headers, body });
      const bytes = Buffer.from(await answer.arrayBuffer());
      if (answer.ok) return { kind: "taken", dropped: rejectedIn(bytes) };
      const seconds = Number(answer.headers.get("retry-after") ?? Number.NaN);
      if (answer.status === 429 || answer.status >= 500) {
        return { kind: "later", afterMs: Number.isFinite(seconds) ? seconds * 1_000 : RETRY_MS };
      }
      return { kind: "taken", dropped: records };
    } catch {
      return { kind: "later", afterMs: RETRY_MS };
    }
  }
}

/** ExportLogsServiceResponse: partial_success = 1 {rejected_log_records = 1}; empty for full success. */
function rejectedIn(bytes: Buffer): number {
  if (bytes[0] !== 0x0a) return 0;
  const { end } = varintAt(bytes, 1);
  return bytes[end] === 0x08 ? varintAt(bytes, end + 1).value : 0;
}

function varintAt(bytes: Buffer, start: number): { readonly value: number; readonly end: number } {
  let value = 0;
  let scale = 1;
  for (let at = start; at < bytes.length; at++, scale *= 0x80) {
    const byte = bytes[at] ?? 0;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return { value, end: at + 1 };
  }
  return { value: 0, end: bytes.length };
}
