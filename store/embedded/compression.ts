/**
 * Content codings, both ways. Replies are compressed lightly: loopback is fast and cores are few.
 */
import type { Readable, Transform } from "node:stream";
import {
  constants,
  createBrotliCompress,
  createBrotliDecompress,
  createDeflate,
  createGunzip,
  createGzip,
  createInflate,
  createZstdCompress,
  createZstdDecompress,
} from "node:zlib";
import { exception } from "./exception.ts";

export type Coding = "zstd" | "gzip" | "deflate" | "br";

/** In the order of what they cost us. */
const CODINGS: readonly Coding[] = ["zstd", "gzip", "deflate", "br"];

/** The coding of a reply: the cheapest of those that the client takes, none unless asked for. */
export function negotiateCoding(acceptEncoding: string | undefined): Coding | undefined {
  const accepted = new Set(
    (acceptEncoding ?? "")
      .split(",")
      .map((entry) =>
        entry
          .trim()
          .toLowerCase()
          .split(/\s*;\s*/),
      )
      .filter(([, quality]) => quality === undefined || Number(quality.replace("q=", "")) > 0)
      .map(([name]) => name),
  );
  return CODINGS.find((coding) => accepted.has(coding));
}

export function createEncoder(coding: Coding): Transform {
  switch (coding) {
    case "zstd":
      return createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: 1 } });
    case "gzip":
      return createGzip({ level: 1 });
    case "deflate":
      return createDeflate({ level: 1 });
    case "br":
      return createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: 2 } });
  }
}

/** The body of a request without its coding. @throws {EngineException} for one we do not know */
export function decodeBody(body: Readable, contentEncoding: string | undefined): Readable {
  const coding = (contentEncoding ?? "").trim().toLowerCase();
  if (coding === "" || coding === "identity") return body;
  const decoder = createDecoder(coding);
  if (decoder === undefined) {
    throw exception(
      "NOT_IMPLEMENTED",
      `Unknown compression method: "${coding}"; send gzip, deflate, br or zstd`,
    );
  }
  body.on("error", (error) => decoder.destroy(error));
  body.on("close", () => {
    if (!body.readableEnded) decoder.destroy(new Error("The request was aborted"));
  });
  return body.pipe(decoder);
}

function createDecoder(coding: string): Transform | undefined {
  if (coding === "gzip" || coding === "x-gzip") return createGunzip();
  if (coding === "deflate") return createInflate();
  if (coding === "br") return createBrotliDecompress();
  return coding === "zstd" ? createZstdDecompress() : undefined;
}
