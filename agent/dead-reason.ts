/** Why a record can never be stored: docs/capture.md says what each means. */
export type DeadReason =
  | "model_missing"
  | "model_too_long"
  | "model_invalid"
  | "id_missing"
  | "id_too_long"
  | "id_invalid"
  | "time_invalid"
  | "time_ahead"
  | "time_too_old"
  | "label_missing"
  | "revision_invalid"
  | "record_invalid"
  | "record_too_large"
  /** Nobody has said what the columns of the record are. */
  | "schema_unknown"
  /** An inference request or its answer that cannot be read, or that its mapping does not fit. */
  | "payload_invalid";
