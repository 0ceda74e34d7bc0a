/** A bucket that answers as S3 does to what ClickHouse asks of one: lists keys, heads and gets objects by range. */
import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface ObjectStore extends AsyncDisposable {
  /** Of the bucket. */
  readonly url: string;
  readonly objects: Map<string, Buffer>;
}

const BUCKET = "/labels/";

export async function startObjectStore(): Promise<ObjectStore> {
  const objects = new Map<string, Buffer>();
  const server = createServer((request, response) => answer(request, response, objects));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}${BUCKET}`,
    objects,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  objects: ReadonlyMap<string, Buffer>,
): void {
  const url = new URL(request.url ?? "/", "http://localhost");
  if (url.searchParams.has("list-type")) {
    response.setHeader("content-type", "application/xml");
    response.end(listing(url.searchParams.get("prefix") ?? "", objects));
    return;
  }
  const object = objects.get(decodeURIComponent(url.pathname.slice(BUCKET.length)));
  if (object === undefined) {
    response.statusCode = 404;
    response.end("<Error><Code>NoSuchKey</Code></Error>");
    return;
  }
  const [, from = "0", to = ""] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "") ?? [];
  const end = to === "" ? object.length - 1 : Math.min(Number(to), object.length - 1);
  const part = object.subarray(Number(from), end + 1);
  response.statusCode = request.headers.range === undefined ? 200 : 206;
  response.setHeader("content-length", part.length);
  response.setHeader("content-range", `bytes ${from}-${end}/${object.length}`);
  response.setHeader("last-modified", new Date(0).toUTCString());
  response.setHeader("etag", '"1"');
  response.end(request.method === "HEAD" ? undefined : part);
}

function listing(prefix: string, objects: ReadonlyMap<string, Buffer>): string {
  const found = [...objects].filter(([key]) => key.startsWith(prefix));
  const entries = found.map(
    ([key, { length }]) =>
      `<Contents><Key>${key}</Key><Size>${length}</Size><ETag>"1"</ETag><LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>`,
  );
  return `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult><IsTruncated>false</IsTruncated><KeyCount>${found.length}</KeyCount>${entries.join("")}</ListBucketResult>`;
}
