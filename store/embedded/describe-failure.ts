/**
 * Anything that was thrown while a request was served, as the exception that its client is told.
 */
import type { Logger } from "../../runtime/logger.ts";
import { EngineException, exception } from "./exception.ts";

const DISK_FULL = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);

export function describeFailure(error: unknown, deps: { logger: Logger }): EngineException {
  if (error instanceof EngineException) return error;
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const message = error instanceof Error ? error.message : String(error);
  if (DISK_FULL.has(code)) {
    deps.logger.error({ err: error }, "no space left for a request's file");
    return exception(
      "NOT_ENOUGH_SPACE",
      `Cannot keep the body of the request as no space is left: ${message}. Free some space and send it again`,
    );
  }
  if (/^(Z_|ERR_ZLIB|ERR_BROTLI|ERR__|ZSTD_|ERR_ZSTD)/.test(code)) {
    return exception("CANNOT_DECOMPRESS", `Cannot decompress the body: ${message}`);
  }
  deps.logger.error({ err: error }, "a request failed");
  return exception("UNKNOWN_EXCEPTION", message);
}
