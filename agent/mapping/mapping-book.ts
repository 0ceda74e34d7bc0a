/** All mappings that an agent knows, and which one holds: a document's goes before a file's, a file's before what ships. */
import type {
  DocumentMapping,
  Mapping,
  MetricsMapping,
  RecordMapping,
  TensorMapping,
} from "../../contract/mapping.ts";
import { TensorMapping as TensorMappingSchema } from "../../contract/mapping.ts";
import type { FeatureRules } from "../columns/feature-rules.ts";
import { ColumnSchemas } from "./column-schemas.ts";
import type { ColumnMemory } from "./map-columns.ts";
import { fits } from "./map-record.ts";
import type { ForeignRecord } from "./record.ts";
import { RowCounts } from "./row-counts.ts";

/** The mapping of what any process says of itself. */
const EVERY_PROCESS = "process";

/** Protocols whose requests carry tensors. */
export type TensorProtocol = TensorMapping["from"];

export class MappingBook {
  /** What senders told of their columns, and which rows belong to one request. */
  readonly memory: ColumnMemory = { schemas: new ColumnSchemas(), rows: new RowCounts() };
  private readonly own: readonly Mapping[];
  private readonly shipped: readonly Mapping[];
  private readonly rules: FeatureRules;
  private revision = -1;
  private records: readonly RecordMapping[] = [];
  private names: ReadonlySet<string> = new Set();
  private attributes: ReadonlySet<string> = new Set();
  private bodyKeys: ReadonlySet<string> = new Set();

  /** @param rules the onboarding documents, whose `map` counts too, as it changes */
  constructor(
    given: { readonly own: readonly Mapping[]; readonly shipped: readonly Mapping[] },
    rules: FeatureRules,
  ) {
    this.own = given.own;
    this.shipped = given.shipped;
    this.rules = rules;
  }

  /** The first whose conditions the record meets; null for none. */
  ofRecord(record: ForeignRecord): RecordMapping | null {
    this.refresh();
    return this.records.find((mapping) => fits(record, mapping)) ?? null;
  }

  /** Whether some mapping asks for this span or event name, or for this attribute: most records meet neither. */
  asksForName(name: string): boolean {
    this.refresh();
    return this.names.has(name);
  }

  asksForAttribute(key: string): boolean {
    this.refresh();
    return this.attributes.has(key);
  }

  /** Whether some mapping asks for bodies with this key. */
  asksForBodyKey(key: string): boolean {
    this.refresh();
    return this.bodyKeys.has(key);
  }

  /** What an inference request of this model becomes; without a word, tensors go by their names. */
  ofTensors(from: TensorProtocol, model: string): TensorMapping {
    const document = this.rules.documentOf(model);
    if (document?.map !== undefined && document.map.from !== "record") {
      return withIdentity({ ...document.map, name: model, model }, document.identity);
    }
    const candidates = this.own.flatMap((mapping) => (mapping.from === from ? [mapping] : []));
    const found =
      candidates.find((mapping) => mapping.model === model) ??
      candidates.find((mapping) => mapping.model === undefined) ??
      TensorMappingSchema.parse({ name: `${from} by names`, from });
    return withIdentity(found, document?.identity);
  }

  /** Of servers' metrics, own ones first; a preset names one of them, beside what every process says. */
  ofMetrics(preset: string | null): readonly MetricsMapping[] {
    const isMeant = (name: string): boolean =>
      preset === null || name === preset || name === EVERY_PROCESS;
    return [...this.own, ...this.shipped].flatMap((mapping) =>
      mapping.from === "metrics" && isMeant(mapping.name) ? [mapping] : [],
    );
  }

  /** Whether this component of a graph tells the predictions of the model; another one's would count twice. */
  takesComponent(model: string, component: string): boolean {
    return (["v2", "v1"] as const).some(
      (from) => this.ofTensors(from, model).component === component,
    );
  }

  private refresh(): void {
    if (this.revision === this.rules.revision) return;
    this.revision = this.rules.revision;
    const ofDocuments = this.rules
      .all()
      .flatMap(([model, { map }]) => (map === undefined ? [] : recordMappingOf(model, map)));
    this.records = [...ofDocuments, ...this.own, ...this.shipped].filter(
      (mapping) => mapping.from === "record",
    );
    this.names = new Set(this.records.flatMap(({ when }) => when.name ?? []));
    this.attributes = new Set(this.records.flatMap(({ when }) => when.attribute ?? []));
    this.bodyKeys = new Set(this.records.flatMap(({ when }) => when.body?.slice(0, 1) ?? []));
  }
}

function recordMappingOf(model: string, map: DocumentMapping): readonly RecordMapping[] {
  return map.from === "record" ? [{ ...map, name: model, model: [`=${model}`] }] : [];
}

/** What a document's `identity` says wins, where it is a place in a request. */
function withIdentity(
  mapping: TensorMapping,
  identity: {
    readonly prediction?: string | undefined;
    readonly version?: string | undefined;
  } = {},
): TensorMapping {
  const place = (text: string | undefined): string | undefined =>
    /^(header|tensor|body):/.test(text ?? "") ? text : undefined;
  return {
    ...mapping,
    identity: place(identity.prediction) ?? mapping.identity,
    version: place(identity.version) ?? mapping.version,
  };
}
