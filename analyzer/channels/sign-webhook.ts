/** The signature of Standard Webhooks: HMAC-SHA256 over id, timestamp and body, so that receivers can trust. */
import { createHmac } from "node:crypto";

const PREFIX = "whsec_";

/** @param secret `whsec_<base64>`, or any text, which is then the key itself */
export function signWebhook(secret: string, id: string, timestampS: number, body: string): string {
  const key = secret.startsWith(PREFIX)
    ? Buffer.from(secret.slice(PREFIX.length), "base64")
    : Buffer.from(secret);
  const digest = createHmac("sha256", key).update(`${id}.${timestampS}.${body}`).digest("base64");
  return `v1,${digest}`;
}
