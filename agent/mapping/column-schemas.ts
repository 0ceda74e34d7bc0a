/**
 * What senders told of the columns of their records, for those of their records that do not tell: by the resource that
 * sends them, since such a record names nothing else. Bounded, and kept over restarts in a file beside the spool.
 */
import { z } from "zod";
import { LIMITS } from "../../contract/limits.ts";
import type { AnyPlain, ForeignRecord } from "./record.ts";

const Scalar = z.union([z.string(), z.number(), z.boolean()]);
const Described = z.object({
  /** Name and instance of the service, as its resource says them. */
  sender: z.string(),
  /** The description beside its columns: who sends them. */
  facts: z.array(z.tuple([z.string(), Scalar])),
  columns: z.array(z.object({ name: z.string(), role: z.string(), type: z.string() })),
});
export type Described = z.infer<typeof Described>;
const Kept = z.array(Described);

interface Entry {
  readonly described: Described;
  readonly names: ReadonlySet<string>;
  readonly bytes: number;
}

export class ColumnSchemas {
  /** The one used last stands last. */
  private readonly entries = new Map<string, Entry>();
  private bytes = 0;
  /** By the body that is being read. */
  private added: string[] = [];
  /** Changes with every description that comes or goes. */
  revision = 0;
  /** Called after each such change. */
  onChange: () => void = () => undefined;

  /** What was kept; anything else is passed over, since senders tell again. */
  load(kept: unknown): void {
    for (const described of Kept.safeParse(kept).data ?? []) this.add(described);
  }

  all(): readonly Described[] {
    return [...this.entries.values()].map(({ described }) => described);
  }

  /** Begins a body; until the next one, what it adds can be taken back. */
  begin(): void {
    this.added = [];
  }

  takeBack(): void {
    for (const key of this.added) {
      const entry = this.entries.get(key);
      if (entry !== undefined && this.entries.delete(key)) this.bytes -= entry.bytes;
    }
    if (this.added.length > 0) this.changed();
    this.added = [];
  }

  add(described: Described): void {
    const key = JSON.stringify(described);
    const bytes = key.length;
    if (bytes > LIMITS.columnSchemasBytesMax) return;
    const known = this.entries.get(key);
    if (known !== undefined) {
      this.use(key, known);
      return;
    }
    const names = new Set(described.columns.map(({ name }) => name));
    this.entries.set(key, { described, names, bytes });
    this.bytes += bytes;
    this.added.push(key);
    for (const [oldest, { bytes: gone }] of this.entries) {
      const fits = this.bytes <= LIMITS.columnSchemasBytesMax;
      if (fits && this.entries.size <= LIMITS.columnSchemasMax) break;
      this.entries.delete(oldest);
      this.bytes -= gone;
    }
    this.changed();
  }

  private changed(): void {
    this.revision++;
    this.onChange();
  }

  /** The newest description by this sender that knows all of these columns; null for none. */
  find(sender: string, columns: readonly string[]): Described | null {
    let found: readonly [string, Entry] | null = null;
    for (const [key, entry] of this.entries) {
      if (entry.described.sender !== sender) continue;
      if (columns.every((name) => entry.names.has(name))) found = [key, entry];
    }
    if (found === null) return null;
    this.use(...found);
    return found[1].described;
  }

  private use(key: string, entry: Entry): void {
    this.entries.delete(key);
    this.entries.set(key, entry);
  }
}

export function senderOf({ resource }: ForeignRecord): string {
  const text = (name: string): string => String(resource.get(name) ?? "");
  return `${text("service.name")}\n${text("service.instance.id")}`;
}

/** What a record's own description says; null where it is none. */
export function describedBy(
  sender: string,
  description: AnyPlain,
  schemaKey: string,
): Described | null {
  if (!(description instanceof Map)) return null;
  const schema: unknown = description.get(schemaKey);
  if (!(schema instanceof Map) || schema.size > LIMITS.featuresPerModelMax) return null;
  const columns = [...schema].flatMap(([name, column]: [unknown, unknown]) => {
    if (typeof name !== "string" || !(column instanceof Map)) return [];
    const text = (key: string): string => String(column.get(key) ?? "");
    return [{ name, role: text("role"), type: text("type") }];
  });
  const facts = [...description].flatMap(([key, value]: [unknown, unknown]) => {
    const scalar = Scalar.safeParse(typeof value === "bigint" ? Number(value) : value).data;
    return typeof key === "string" && scalar !== undefined
      ? [[key, scalar] as [string, z.infer<typeof Scalar>]]
      : [];
  });
  return columns.length === 0 ? null : { sender, facts, columns };
}
