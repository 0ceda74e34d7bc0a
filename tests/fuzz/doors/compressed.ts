/** Bodies as the HTTP doors read them: compressed, falsely said to be, bombs, cut off, several members in a row. */
import { Readable } from "node:stream";
import type { IncomingMessage } from "node:http";
import { deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { BodyReader } from "../../../agent/doors/request-body.ts";
import { unaryMessage } from "../../../agent/doors/grpc-frames.ts";
import { LIMITS } from "../../../contract/limits.ts";
import { systemClock } from "../../../runtime/clock.ts";
import type { Random } from "../../../runtime/random.ts";
import { type Door, Violation, refusalOf, verdictOf } from "../door.ts";
import { PROTOTYPE_NAMES, chance, pick, sized } from "../hostile-values.ts";
import { mutate } from "../mutate.ts";

const CODES = ["request_malformed", "body_too_large", "encoding_unsupported", "bodies_over_limit"];
const COMPRESS = { gzip: gzipSync, deflate: deflateSync, zstd: zstdCompressSync } as const;
const ENCODINGS = ["gzip", "deflate", "zstd"] as const;
const STRANGE = [...PROTOTYPE_NAMES, "br", "identity", "", "gzip, gzip", "GZIP", "x-gzip"] as const;

/** Made once: a bomb of 21 MiB takes its time. */
const bombs = new Map<string, Buffer>();
function bomb(encoding: (typeof ENCODINGS)[number]): Buffer {
  const known = bombs.get(encoding);
  if (known !== undefined) return known;
  const made = COMPRESS[encoding](Buffer.alloc(LIMITS.requestBytesMax + 1_000_000));
  bombs.set(encoding, made);
  return made;
}

/** The name of an encoding, a zero, and the body. */
function make(random: Random): Buffer {
  const encoding = pick(random, ENCODINGS);
  const plain = Buffer.alloc(sized(random, 100_000), pick(random, ["{}\n", "a", '{"x":1}']));
  let body = chance(random, 0.01) ? bomb(encoding) : COMPRESS[encoding](plain);
  if (chance(random, 0.2)) body = Buffer.concat([body, COMPRESS[encoding](Buffer.from("more"))]);
  if (chance(random, 0.6)) body = mutate(random, body, COMPRESS[pick(random, ENCODINGS)](plain));
  const said = chance(random, 0.8) ? encoding : pick(random, STRANGE);
  return Buffer.concat([Buffer.from(`${said}\0`), body]);
}

export function compressedDoor(): Door {
  const bodies = new BodyReader(systemClock);
  const read = async (encoding: string, bytes: Buffer): Promise<number> => {
    const headers = { "content-encoding": encoding, "content-length": String(bytes.length) };
    const request = Object.assign(Readable.from(chunksOf(bytes)), { headers });
    return bodies.read(request as unknown as IncomingMessage, (body) => body.length);
  };
  return {
    name: "compressed",
    weight: 1,
    make,
    feed: async (payload) => {
      const end = Math.max(payload.indexOf(0), 0);
      const [encoding, bytes] = [payload.toString("latin1", 0, end), payload.subarray(end + 1)];
      const head = Buffer.from([1, 0, 0, 0, 0]);
      head.writeUInt32BE(bytes.length, 1);
      const message = Buffer.concat([head, bytes]);
      verdictOf(["request_malformed"], () => void unaryMessage(message, encoding));
      try {
        const length = await read(encoding, bytes);
        if (length > LIMITS.requestBytesMax) throw new Violation(`a body of ${length} bytes`);
        if ((PROTOTYPE_NAMES as readonly string[]).includes(encoding)) {
          throw new Violation(`a body was read as "${encoding}"`);
        }
        return "accepted";
      } catch (error) {
        return refusalOf(CODES, error);
      }
    },
    checkSound: async () => {
      const length = await read("gzip", gzipSync(Buffer.from("sound")));
      if (length !== 5) throw new Violation(`a sound body has ${length} bytes`);
    },
  };
}

function chunksOf(bytes: Buffer): Buffer[] {
  const half = Math.ceil(bytes.length / 2);
  return [bytes.subarray(0, half), bytes.subarray(half)].filter(({ length }) => length > 0);
}
