/** What to do about records that came otherwise than their senders meant: told in the agent's log and by `doctor`. */

export const RECORD_ADVICE = {
  setAside:
    '"driftmend dead-letters list" shows samples; docs/capture.md says what each reason means',
  dropped:
    "Send inputs as the map ml.features, or raise OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT (spans: OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT): SDKs keep 128 of a record",
  skipped:
    '"driftmend tail <model>" shows what is left of a record; docs/capture.md says what can be stored',
  cut: "Send descriptors of long texts (length, language) instead of the texts",
  metrics:
    "No mapping asks for them: docs/operations.md says which are used, and how to use others",
} as const;
