/** A file over HTTPS: five seconds to connect, redirects followed, a stalled transfer given up. */
import { get } from "node:https";

const CONNECT_MS_MAX = 5_000;
const STALL_MS_MAX = 20_000;
const REDIRECTS_MAX = 5;
const BYTES_MAX = 64 * 1024 * 1024;

/**
 * @param {string} url
 * @returns {Promise<Buffer>}
 */
export async function download(url) {
  let address = url;
  for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects += 1) {
    const answer = await once(address);
    if (Buffer.isBuffer(answer)) return answer;
    address = new URL(answer.location, address).href;
  }
  throw new Error(`more than ${REDIRECTS_MAX} redirects`);
}

/** @returns {Promise<Buffer | { location: string }>} */
function once(url) {
  return new Promise((resolve, reject) => {
    const request = get(url, { headers: { "user-agent": "driftmend-set-up" } }, (response) => {
      clearTimeout(connecting);
      const { statusCode = 0, headers } = response;
      if (statusCode >= 300 && statusCode < 400 && headers.location !== undefined) {
        response.destroy();
        resolve({ location: headers.location });
        return;
      }
      if (statusCode !== 200) {
        response.destroy();
        reject(new Error(`the answer was HTTP ${statusCode}`));
        return;
      }
      const chunks = [];
      let bytes = 0;
      response.on("data", (chunk) => {
        chunks.push(chunk);
        bytes += chunk.length;
        if (bytes > BYTES_MAX) request.destroy(new Error(`more than ${BYTES_MAX} bytes came`));
      });
      response.on("end", () => resolve(Buffer.concat(chunks)));
      response.on("error", reject);
    });
    const connecting = setTimeout(
      () => request.destroy(new Error(`no answer within ${CONNECT_MS_MAX / 1000} s`)),
      CONNECT_MS_MAX,
    );
    request.setTimeout(STALL_MS_MAX, () => request.destroy(new Error("the transfer stalled")));
    request.on("error", (error) => {
      clearTimeout(connecting);
      reject(error);
    });
  });
}
