/** Every stated maximum of the system: queues, batches, retries, requests, names. */

export const LIMITS = {
  /** Shards of the transport when nothing else is configured. */
  shards: 2,
  modelNameBytesMax: 256,
  predictionIdBytesMax: 256,
  featureNameBytesMax: 256,
  /** Of a record, and names that an agent takes in for a model since its start; what is over is counted. */
  featuresPerModelMax: 2_000,
  /** Names of features that an agent remembers, over all models; beyond it begins anew. */
  featureNamesMax: 500_000,
  categoriesPerFeatureMax: 1_000,
  categoryOverflowCells: 256,
  segmentTagsMax: 2,
  segmentValuesMax: 50,
  /** A request body before and after decompression (OTLP recommends 20 MiB). */
  requestBytesMax: 20 * 1024 * 1024,
  /** Of one gRPC message, decompressed; it is in memory before anything can be asked of it. */
  grpcMessageBytesMax: 4 * 1024 * 1024,
  frameBytesMax: 4 * 1024 * 1024,
  frameRowsMax: 50_000,
  /** Request bodies whose digests one frame carries; the frame is sealed when it is reached. */
  frameRequestsMax: 4_096,
  frameHeaderBytesMax: 1024 * 1024,
  /** NATS max_payload that `up` configures; a frame must fit. */
  natsPayloadBytesMax: 8 * 1024 * 1024,
  groupRowsMax: 400_000,
  /** The engine sorts a group in memory, several times its size. */
  groupBytesMax: 64 * 1024 * 1024,
  groupDaysMax: 8,
  /** Event times further than this ahead of the model's clock are dead-lettered. */
  eventAheadMsMax: 3_600_000,
  /** The engine's times end with the year 2299; ours begin with 1970. */
  storedTimeMsMax: 10_413_791_999_999,
  exporterRetryMemoryMs: 15 * 60_000,
  /** Digests of request bodies that an agent remembers; the oldest go first. */
  exporterRetryDigestsMax: 1_000_000,
  /** Announcements of a model's clock in one frame. */
  frameClocksMax: 100,
  /** What the names of models may take in a frame's header, escaped. */
  frameModelNamesBytesMax: 512 * 1024,
  /** Requests that one kept prediction may stand for: nobody samples one in more than a million. */
  recordWeightMax: 1_048_576,
  /** So much of its rate a model may send at once: exporters send what gathered in seconds. */
  captureBurstMs: 10_000,
  /** Models whose shed records are counted one by one; further ones are counted together. */
  shedModelsMax: 1_000,
  /** How often the share of predictions is halved as an agent's spool fills, where it may be. */
  shedHalvingsMax: 5,
  /** Entries of `ml.tags` and of `ml.prediction.probabilities` in one record; what is over is counted. */
  tagsPerRecordMax: 100,
  probabilitiesPerRecordMax: 1_000,
  /** Category values, labels, tags, versions: longer ones are cut. */
  textBytesMax: 1_024,
  deadLetterSampleBytesMax: 4_096,
  /** Records of one request that may be set aside; a body with more is not what its door takes, and is refused. */
  deadLettersPerRequestMax: 200_000,
  /** Lists and objects of JSON within each other, and of one body: each takes some fifty bytes of memory. */
  jsonDepthMax: 128,
  jsonContainersMax: 2_000_000,
  /** Reasons told to a client in one answer. */
  refusalsToldMax: 5,
  /** An agent's log tells of each way in which records come wrong at most once in this time. */
  recordWarningPeriodMs: 3_600_000,
  /** Strings that an agent keeps interned between two frames. */
  internedStringsMax: 65_536,
  /** Request bodies that an agent holds in memory at once; beyond it they are refused. */
  bodiesInFlightBytesMax: 256 * 1024 * 1024,
  /** Above this further requests wait in their connections, unread, until bodies before them are done with. */
  bodiesReadBytesMax: 4 * 1024 * 1024,
  /** For so long: senders that stall hold nobody up for longer. */
  bodyWaitMsMax: 2_000,
  /** Memory for a body before its bytes are there, whatever it announces. */
  bodyFirstBytesMax: 256 * 1024,
  /** Of buffers of bodies that are done with, kept for the next ones. */
  bodiesKeptBytesMax: 8 * 1024 * 1024,
  /** Of a refused body, read and thrown away so that the client hears the answer. */
  drainedBytesMax: 64 * 1024 * 1024,
  /** Sealed but not yet fsynced bytes of an agent; beyond it requests are refused. */
  uncommittedBytesMax: 32 * 1024 * 1024,
  /** Above this further requests wait in their connections, unread, until the disk has caught up. */
  uncommittedBytesReadMax: 4 * 1024 * 1024,
  spoolSegmentBytesMax: 16 * 1024 * 1024,
  /** A segment of which everything is stored is given up early above this. */
  spoolSegmentStoredBytesMax: 1024 * 1024,
  /** Frames kept in memory until they are published, so that they are not read again. */
  publishCacheBytesMax: 16 * 1024 * 1024,
  publishInFlightBytesMax: 16 * 1024 * 1024,
  /** Frames that were taken in longer ago are a backlog, of which so much is on its way at a time: two or three groups. */
  backlogAgeMs: 10_000,
  backlogBytesMax: 64 * 1024 * 1024,
  publishBackoffMsMax: 5_000,
  publishAckTimeoutMs: 5_000,
  headPeriodMs: 2_000,
  /** How often an agent looks whether its last heartbeat is stored. */
  heartbeatLookMs: 1_000,
  /** Embedded ClickHouse endpoint: text of one statement. */
  endpointStatementBytesMax: 1024 * 1024,
  /** Body of one INSERT after decompression. */
  endpointInsertBytesMax: 1024 * 1024 * 1024,
  /** A result in a format that cannot be streamed (Parquet, JSON, …). */
  endpointResultFileBytesMax: 2 * 1024 * 1024 * 1024,
  /** Statements that wait in one lane before the next is refused with code 202. */
  endpointWaitingMax: 64,
  /** Named sessions (session_id) that are open at a time. */
  endpointSessionsMax: 32,
  /** Of one query of the reading account: max_execution_time, max_result_rows and max_result_bytes. */
  endpointReaderSecondsMax: 60,
  endpointReaderResultRowsMax: 1_000_000,
  endpointReaderResultBytesMax: 256 * 1024 * 1024,
  /** A training set that is read as a reference. */
  trainingSetBytesMax: 512 * 1024 * 1024,
  /** Raw rows of each side that are read to name a data break. */
  breakRowsMax: 40_000,
  /** How far back the analyzer evaluates a model that it sees for the first time. */
  analyzedPastMsMax: 35 * 86_400_000,
  /** Channels that one severity of a model may name. */
  channelsPerSeverityMax: 5,
  /** How long one attempt at a channel may take: slow receivers hold up nobody else. */
  notificationTimeoutMs: 10_000,
  /** A channel that cannot be reached is tried again at least so often. */
  notificationBackoffMsMax: 600_000,
  /** Longest Retry-After that is believed. */
  notificationRetryAfterMsMax: 3_600_000,
  /** A message that a channel never took is given up so long after its first attempt. */
  notificationGiveUpMs: 3 * 86_400_000,
  /** One that the channel refuses as it is (400, 413, 422) is given up earlier. */
  notificationRefusedGiveUpMs: 3_600_000,
  /** Alert changes that wait for a channel; beyond, the oldest are given up and counted. */
  notificationsWaitingMax: 20_000,
  /** How long the journal of notifications remembers what was told. */
  notificationsKeptMs: 90 * 86_400_000,
  /** Alerts that a digest spells out; the others are counted, and stay in the list. */
  digestAlertsShown: 10,
  /** Alerts in one request to Alertmanager. */
  alertmanagerAlertsPerRequest: 500,
  /** Of an answer to a notification; the rest is not read. */
  notificationAnswerBytesMax: 4_096,
  /** Attempts after the first when a trainer ends in a way that may pass. */
  trainerRetriesMax: 2,
  /** Between SIGTERM and SIGKILL: time for a checkpoint. */
  trainerGraceMs: 10_000,
  trainerLogTailBytesMax: 2_000,
  /** Rows of one part file of a data set above which parts are days instead of weeks. */
  datasetPartRowsMax: 5_000_000,
  /** How long an erasure waits for rows on their way, and for replaced parts to go from the disk. */
  erasureWaitMs: 60_000,
  /** Erasures in one answer. */
  erasuresShownMax: 200,
  /** Rows of one file of an archive, as far as cutting it by hours allows that. */
  archiveFileRowsMax: 1_000_000,
  /** Data sets and trainings kept on disk for a model beside those of its versions. */
  datasetsKeptMax: 60,
  /** Labelled rows that the judge looks at; of a block with more, an even sample. */
  judgeRowsMax: 2_000_000,
  /** Labelled rows of its training set that a version's reference is made of, the newest. */
  versionReferenceRowsMax: 200_000,
  /** Requests that prove which versions answer. */
  proofRequestsMin: 20,
  proofRequestsMax: 400,
  proofTimeoutMs: 10_000,
  /** Tries of an effect on a roll-out target before the run ends. */
  targetTriesMax: 3,
  targetTimeoutMs: 30_000,
  /** A canary arm with fewer requests proves nothing, and is taken back. */
  canaryRowsMin: 30,
  /**
   * Collector: how long a group waits for more rows when the stream is drained, and when it is not. A group costs
   * the engine a dozen statements and parts to be merged, however few rows it has.
   */
  groupLingerMs: 150,
  /** After a rest small groups are stored at once, for so long; in the long run this share of the time (group-pace.ts). */
  groupPace: { burstMs: 3_000, share: 0.25, waitMsMax: 3_000 },
  groupAgeMsMax: 3_000,
  /** Sections of at most so many rows are joined, so many of them to one block. */
  joinedSectionRowsMax: 256,
  joinedSectionsMax: 256,
  /** Frames read ahead of the group that is being stored. */
  framesAheadBytesMax: 128 * 1024 * 1024,
  /** Newest groups that are counted again when a shard is taken. */
  groupsVerified: 8,
  /** Attempts to store a group before its shard waits for a person. */
  groupAttemptsMax: 5,
  /** How far ahead of the collector's wall clock an event time may lie; the agent knows better and is stricter. */
  storedAheadMsMax: 25 * 3_600_000,
  /** Rows refused one by one in a section; the rest is one dead letter. */
  deadLettersPerSectionMax: 1_000,
  /** Bytes of an unreadable frame or section that a dead letter keeps. */
  deadLetterPayloadBytesMax: 1024 * 1024,
  /** Features (and $score, $value, $latency) of one model within a group that are rolled up. */
  rollupSlotsMax: 4_096,
  /** Text of a condition on records in a document, and how deep it nests. */
  conditionCharactersMax: 2_000,
  conditionDepthMax: 20,
  /** How often what documents say of labels is carried out: absence, conditions that changed. */
  labelRulesPeriodMs: 300_000,
  /** Predictions of one statement that gives labels by absence, as far as whole minutes allow. */
  absentRowsMax: 1_000_000,
  /** How long a group may take to be stored after it was formed, for late predictions to be found by it. */
  lateGroupMs: 3_600_000,
  /** How often it is looked which pulls of labels are due. */
  labelPullTickMs: 10_000,
  /** Labels of one page of a pull; those of one moment stay together. */
  labelPullPageRows: 50_000,
  /** Models whose labels one collector pulls at a time. */
  labelPullsAtOnce: 4,
  /** Bytes and rows of one message of pulled labels to an agent. */
  labelPullBatchRows: 5_000,
  labelPullBatchBytesMax: 1024 * 1024,
  /** How long an agent may take to answer for one. */
  labelPullAnswerMs: 30_000,
  /** How far before its watermark a pull looks again, for labels that were committed late. */
  labelPullOverlapMs: 3_600_000,
  labelPullBackoffMs: 30_000,
  labelPullStatementBytesMax: 64 * 1024,
  /** Longest statement of a pull. */
  labelPullSecondsMax: 120,
  /** Labels whose prediction has not come yet; the oldest are forgotten first. */
  waitingLabelsMax: 200_000,
  /** Labels of a group that look for the moments of their predictions; more look through the whole span. */
  labelsByTimeMax: 20_000,
  /** Predictions of a group that are joined with waiting labels by their ids; more are joined as a whole. */
  awaitedByIdMax: 1_000,
  /** How far from its prediction_time a label's prediction is looked for. */
  labelJoinSlackMs: 3_600_000,
  wantRepeatMs: 1_000,
  /** Frames of a recorded group that nobody sends for so long are said to be missing. */
  framesAwaitedMs: 10_000,
  leaseTtlMs: 10_000,
  /** How often the bytes of the tables are looked at where they have a budget. */
  tableBudgetLookMs: 4_000,
  /** Of that budget, what must come free before rows are stored again. */
  tableBudgetFreedShare: 0.02,
  /** Raw rows of a span of hours that are compared with their rollups at once. */
  repairRowsMax: 5_000_000,
  /** Longest statement of the collector. */
  statementMsMax: 300_000,
  /** A head announcement older than this is of a spool that is not live. */
  spoolLiveMs: 15_000,
  watermarkPeriodMs: 2_000,
  frameStreamBytesMax: 2 * 1024 * 1024 * 1024,
  /** Files of a folder of onboarding documents. */
  documentFilesMax: 5_000,
  /** Newest raw rows that `model init` and a dry run look at. */
  profiledRowsMax: 20_000,
  /** Requests to the API at once, and refilled per second: by token, and by address without a valid one. */
  apiBurstMax: 600,
  apiPerSecondMax: 100,
  apiStrangerBurstMax: 60,
  apiStrangerPerSecondMax: 5,
  /** Callers whose requests are counted at a time; the longest idle one is forgotten. */
  apiCallersMax: 10_000,
  /** Body of a request to the API. */
  apiBodyBytesMax: 1024 * 1024,
  /** Named tokens, revoked ones included. */
  namedTokensMax: 1_000,
  /** Versions of a model that operations shows one by one. */
  versionsShownMax: 12,
  /** Types of error, per version, that operations tells apart. */
  errorTypesShownMax: 50,
  /** Levels of servers, by copy and GPU, that operations shows. */
  resourcesShownMax: 100,
  /** Rows behind an alert in one answer. */
  alertRowsMax: 500,
  /** Changes made elsewhere in one answer. */
  changesShownMax: 500,
  /** References that the analyzer keeps in memory for its routes. */
  referencesKeptMax: 16,
  /** Weeks of skill in the list of models. */
  skillWeeksShown: 26,
  /** Mappings of a file, and places or names in one entry of a mapping. */
  mappingEntriesMax: 200,
  /** What senders told of their columns, in number and as JSON; the one not used for longest goes first. */
  columnSchemasMax: 1_000,
  columnSchemasBytesMax: 4 * 1024 * 1024,
  /** Rows that come as records under the id of their request, and are remembered so as to be counted. */
  rowCountsMax: 100_000,
  /** Elements of an inference request or response, over all its tensors. */
  tensorElementsMax: 4_000_000,
  /** Tensors of one inference request or response. */
  tensorsMax: 1_000,
  /** Rows of one inference request that become predictions. */
  tensorRowsMax: 10_000,
  /** Columns of a tensor that become features or probabilities; wider ones (images, embeddings) are not kept. */
  tensorColumnsMax: 512,
  /** How long half of a request and response waits for the other. */
  pairWindowMs: 300_000,
  /** Halves that wait, in bytes and number; beyond it the oldest are given up. */
  pairBytesMax: 64 * 1024 * 1024,
  pairsWaitingMax: 100_000,
  /** Copy of one body that passes the proxy, and of all that are held at a time; beyond it calls pass without one. */
  proxyCopyBytesMax: 4 * 1024 * 1024,
  proxyCopiesBytesMax: 64 * 1024 * 1024,
  /** Calls that passed and wait to be captured. */
  proxyCallsWaitingMax: 10_000,
  /** An answer of a Prometheus endpoint, decompressed, and its samples; beyond it the endpoint counts as down. */
  scrapeBytesMax: 16 * 1024 * 1024,
  scrapeSamplesMax: 200_000,
  scrapeTimeoutMs: 5_000,
  /** Endpoints that one agent reads, and how many at a time. */
  scrapeTargetsMax: 200,
  scrapesAtOnceMax: 8,
  /** Between two readings; more seldom, growth could not be dated. */
  scrapePeriodMsMin: 1_000,
  scrapePeriodMsMax: 300_000,
  /** Growth of a counter over a longer time is not counted: nobody knows when it was. */
  metricGapMsMax: 600_000,
  /** Labels of one sample. */
  metricLabelsMax: 128,
  /** Counters whose last value an agent knows; beyond it the growth of new ones is not counted. */
  metricSeriesMax: 100_000,
  /** Models that share the figures of one server, which each of them gets. */
  modelsPerServerMax: 50,
  /** Samples of one reading or request that are stored; the rest is counted. */
  serverMetricRowsMax: 5_000,
  /** Buckets of an exponential histogram: finer ones are put together, eight to a doubling. */
  latencyBucketScaleMax: 3,
  latencyBucketsMax: 400,
} as const;
