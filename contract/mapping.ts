/**
 * How other vocabularies become the canonical record, without code: the file that an agent is given, and `map`
 * of an onboarding document. Three kinds: records of OTLP whose attributes have other names, the tensors of an
 * inference request with its response, and the metrics of model servers, which stand in files only. docs/mapping.md and
 * docs/operations.md explain them by examples.
 */
import { z } from "zod";
import { LIMITS } from "./limits.ts";
import { MEASURE_NAMES } from "./server-metric.ts";

/**
 * Where a value stands in a record of OTLP: the name of an attribute; `resource:NAME`; `body:PATH`, a path of
 * keys by dots in a log's body; `span`, trace and span id; `=TEXT`, that text.
 */
const Place = z.string().min(1).max(LIMITS.featureNameBytesMax);
const list = <T extends z.ZodType>(item: T) =>
  z
    .union([item, z.array(item).min(1).max(LIMITS.mappingEntriesMax)])
    .transform((given) => (Array.isArray(given) ? given : [given]) as z.output<T>[]);
/** The first that is there counts: generations of names stand beside each other. */
const Places = list(Place);

/**
 * A body whose keys are columns: `remember` is the key under which some records describe them, `schema` the key in
 * it of the columns by name, each with a `role` (feature, prediction or target) and a `type` (numerical, categorical
 * or numerical_sequence). The description holds for later records of the same resource that have none.
 */
const Columns = z.strictObject({
  remember: z.string().min(1),
  schema: z.string().min(1),
  /** Keys of the body that are no columns. */
  except: z.array(z.string()).prefault([]),
});

const RecordMappingFields = z.strictObject({
  from: z.literal("record"),
  record: z.enum(["prediction", "label"]).prefault("prediction"),
  /** All that is said must hold. */
  when: z
    .strictObject({
      /** Name of the span, or event name of the log record. */
      name: list(z.string()).optional(),
      attribute: z.string().optional(),
      /** Of the attribute; any where absent. */
      values: list(z.string()).optional(),
      /** Keys that the body of a log record has, all of them. */
      body: list(z.string()).optional(),
    })
    .refine(
      ({ name, attribute, body }) =>
        name !== undefined || attribute !== undefined || body !== undefined,
      {
        message:
          "expected a name, an attribute or keys of a body that tell these records from others",
      },
    ),
  /** Where the body itself says what its other keys are. */
  columns: Columns.optional(),
  version: Places.optional(),
  id: Places,
  features: z.record(z.string(), Places).prefault({}),
  tags: z.record(z.string(), Places).prefault({}),
  /** Texts of which lengths, repetition, refusal and valid JSON become features; the texts are not kept. */
  describe: z.record(z.string(), Places).prefault({}),
  label: Places.optional(),
  score: Places.optional(),
  value: Places.optional(),
  /** In seconds; a span's duration where absent. */
  latency: Places.optional(),
  error: Places.optional(),
  source: Places.optional(),
});

const ColumnNames = z.array(z.string().min(1)).min(1).max(LIMITS.featuresPerModelMax);
const InputTensor = z.union([
  z.strictObject({ columns: ColumnNames }),
  z.strictObject({ ignore: z.literal(true) }),
]);
const OutputTensor = z.union([
  /** One class each, in the order of the tensor's columns. */
  z.strictObject({ probabilities: ColumnNames }),
  /** The column that holds it. */
  z.strictObject({ score: z.int().min(0) }),
  z.strictObject({ value: z.int().min(0) }),
  /** Names by number; what is no number is the label itself. */
  z.strictObject({ label: z.union([z.literal(true), ColumnNames]) }),
  z.strictObject({ ignore: z.literal(true) }),
]);
const TensorPlace = z
  .string()
  .regex(/^(header|tensor|body):./, "expected header:NAME, tensor:NAME or body:$.PATH");

const TensorMappingFields = z.strictObject({
  from: z.enum(["v1", "v2"]),
  /** Which of KServe's components tells the predictions: a transformer before it must not count twice. */
  component: z.string().prefault("predictor"),
  /** The prediction's id; by default the request's `id`, its id as a CloudEvent, or a new one. */
  identity: TensorPlace.optional(),
  version: TensorPlace.optional(),
  /** False: tensors have no leading dimension of rows. */
  batch: z.boolean().prefault(true),
  /** Tensors that are not named are features under their own name, `name[i]` where they have columns. */
  inputs: z.record(z.string(), InputTensor).prefault({}),
  outputs: z.record(z.string(), OutputTensor).prefault({}),
  tags: z.record(z.string(), TensorPlace).prefault({}),
});

export const DocumentMapping = z.discriminatedUnion("from", [
  RecordMappingFields,
  TensorMappingFields,
]);
export type DocumentMapping = z.output<typeof DocumentMapping>;

/** As in a file: with the model, which a document names by itself. */
export const RecordMapping = z.strictObject({
  name: z.string().min(1),
  ...RecordMappingFields.shape,
  model: Places,
});
export type RecordMapping = z.output<typeof RecordMapping>;

export const TensorMapping = z.strictObject({
  name: z.string().min(1),
  ...TensorMappingFields.shape,
  /** As the request names it; absent: every model without a mapping of its own. */
  model: z.string().optional(),
});
export type TensorMapping = z.output<typeof TensorMapping>;

/** A label of the metric; `resource:NAME`, an attribute of OTLP's resource; `=TEXT`, that text. */
const MetricPlaces = list(z.string().min(1).max(LIMITS.featureNameBytesMax));
/** What a metric, under a condition, says. Of a histogram or summary a measure takes what fits: buckets, sum, count, or the mean of what came. */
const MetricTake = z.strictObject({
  measure: z.enum(MEASURE_NAMES),
  /** Of a model or the whole server; its type of error, its GPU. */
  part: MetricPlaces.optional(),
  /** By label the values that count; `*` stands for any letters. A label that is missing is empty. */
  when: z.record(z.string(), list(z.string())).prefault({}),
  /** Times the value (or the edges of buckets) to come to seconds, bytes, shares of one. */
  scale: z.number().positive().prefault(1),
});
export type MetricTake = z.output<typeof MetricTake>;

export const MetricsMapping = z.strictObject({
  name: z.string().min(1),
  from: z.literal("metrics"),
  /** Absent, or not in the sample: the figure is of the whole server, and of every model that it serves. */
  model: MetricPlaces.optional(),
  version: MetricPlaces.optional(),
  /** By name, with or without `_total`. */
  metrics: z
    .record(z.string().min(1), list(MetricTake))
    .refine((metrics) => Object.keys(metrics).length <= LIMITS.mappingEntriesMax, {
      message: `expected at most ${LIMITS.mappingEntriesMax} metrics`,
    }),
});
export type MetricsMapping = z.output<typeof MetricsMapping>;

export const Mapping = z.discriminatedUnion("from", [RecordMapping, TensorMapping, MetricsMapping]);
export type Mapping = z.output<typeof Mapping>;

/** A file of mappings; earlier ones go first. */
export const MappingFile = z.strictObject({
  mappings: z.array(Mapping).min(1).max(LIMITS.mappingEntriesMax),
});
