/**
 * Answers of the API carry a tag of their content: who has the same already is told so in a few bytes
 * (RFC 9110, 304), which is what makes it cheap to ask often. Only JSON answers to GET are tagged.
 */
import { createHash } from "node:crypto";
import type { FastifyReply, FastifyRequest } from "fastify";

export async function answerUnchanged(
  request: FastifyRequest,
  reply: FastifyReply,
  payload: unknown,
): Promise<unknown> {
  if (request.method !== "GET" || reply.statusCode !== 200 || typeof payload !== "string") {
    return payload;
  }
  if (!String(reply.getHeader("content-type") ?? "").startsWith("application/json")) {
    return payload;
  }
  const tag = `"${createHash("sha256").update(payload).digest("base64url").slice(0, 22)}"`;
  // Not to be kept without asking again: it is live, and behind a token.
  reply.header("etag", tag).header("cache-control", "private, no-cache");
  if (!isKnown(request.headers["if-none-match"], tag)) return payload;
  reply.code(304).removeHeader("content-length").removeHeader("content-type");
  return "";
}

/** Weak comparison: proxies that compress may have marked the tag as weak. */
export function isKnown(ifNoneMatch: string | undefined, tag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  if (ifNoneMatch.trim() === "*") return true;
  return ifNoneMatch.split(",").some((known) => known.trim().replace(/^W\//, "") === tag);
}
