/** What capture costs: decoding and encoding on one core, and what the proxy adds to a call. */
import { decodeEncode } from "./capture/decode-encode.ts";
import { inProcess } from "./capture/in-process.ts";
import { proxied } from "./capture/proxied.ts";
import type { Figure } from "./figure.ts";

export async function run(): Promise<readonly Figure[]> {
  return [...(await decodeEncode()), ...(await inProcess()), ...(await proxied())];
}
