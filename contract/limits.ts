/** Every stated maximum of the system: queues, batches, retries, requests, names. */

export const LIMITS = {
  /** Shards of the transport when nothing else is configured. */
  shards: 2,
  modelNameBytesMax: 256,
  predictionIdBytesMax: 256,
  featureNameBytesMax: 256,
  featuresPerModelMax: 2_000,
  categoriesPerFeatureMax: 1_000,
  categoryOverflowCells: 256,
  segmentTagsMax: 2,
  segmentValuesMax: 50,
  /** A request body before and after decompression (OTLP recommends 20 MiB). */
  requestBytesMax: 20 * 1024 * 1024,
  frameBytesMax: 4 * 1024 * 1024,
  frameRowsMax: 50_000,
  /** Request bodies whose digests one frame carries; the frame is sealed when it is reached. */
  frameRequestsMax: 4_096,
  frameHeaderBytesMax: 1024 * 1024,
  /** NATS max_payload that `up` configures; a frame must fit. */
  natsPayloadBytesMax: 8 * 1024 * 1024,
  groupRowsMax: 400_000,
  groupBytesMax: 128 * 1024 * 1024,
  groupDaysMax: 8,
  /** Event times further than this ahead of the model's clock are dead-lettered. */
  eventAheadMsMax: 3_600_000,
  exporterRetryMemoryMs: 15 * 60_000,
} as const;
