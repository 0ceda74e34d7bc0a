/** Messages as they pass: whatever the pieces they come in, and whatever they are, the bytes that leave are those that came. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  addressedTo,
  mayBeginAnswer,
  mayBeginRequest,
  readAnswerHead,
  readRequestHead,
} from "../../agent/proxy/http-head.ts";
import { MessageFollower } from "../../agent/proxy/message-follower.ts";

interface Seen {
  readonly passed: string;
  readonly messages: {
    readonly line: string;
    readonly content: string;
    readonly hasEnded: boolean;
  }[];
  readonly isLost: boolean;
}

/** As the proxy follows requests, without addressing them to somebody else. */
function follow(pieces: readonly Buffer[]): Seen {
  const messages: { line: string; content: string; hasEnded: boolean }[] = [];
  let isLost = false;
  const last = (): (typeof messages)[number] => messages.at(-1) ?? expect.fail("no message yet");
  const follower = new MessageFollower({
    mayBegin: mayBeginRequest,
    onHead: (text) => {
      const head = readRequestHead(text);
      if (head === null) return null;
      messages.push({ line: `${head.method} ${head.target}`, content: "", hasEnded: false });
      return { passed: `${text}\r\n\r\n`, framing: head.framing };
    },
    onContent: (content) => (last().content += content.toString("latin1")),
    onEnd: () => (last().hasEnded = true),
    onLost: () => (isLost = true),
  });
  const passed = pieces.flatMap((piece) => follower.follow(piece));
  return { passed: Buffer.concat(passed).toString("latin1"), messages, isLost };
}

const whole = (text: string): Seen => follow([Buffer.from(text, "latin1")]);

function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const sorted = [...new Set(places.map((place) => place % bytes.length))].toSorted(
    (a, b) => a - b,
  );
  return [0, ...sorted].map((start, i) => bytes.subarray(start, sorted[i] ?? bytes.length));
}

const token = fc.stringMatching(/^[a-z][a-z0-9-]{0,12}$/);
const content = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
const message = fc
  .record({
    ...{ target: token, content, header: token, trailer: fc.option(token, { nil: undefined }) },
    chunks: fc.option(fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }), {
      nil: undefined,
    }),
  })
  .map(({ target, content: body, header, chunks, trailer }) => {
    const line = `POST /${target}`;
    const head = `${line} HTTP/1.1\r\nHost: h\r\nX-${header}: \xe9 1\r\n`;
    if (chunks === undefined) {
      const bytes = Buffer.concat([
        Buffer.from(`${head}Content-Length: ${body.length}\r\n\r\n`, "latin1"),
        body,
      ]);
      return { line, content: body.toString("latin1"), bytes };
    }
    const parts: Buffer[] = [Buffer.from(`${head}Transfer-Encoding: chunked\r\n\r\n`, "latin1")];
    for (let at = 0, i = 0; at < body.length; i++) {
      const part = body.subarray(at, at + (chunks[i % chunks.length] ?? 1));
      const size = part.length.toString(16).toUpperCase();
      parts.push(Buffer.from(`${size}${i % 2 === 0 ? "" : ";a=b"}\r\n`), part, Buffer.from("\r\n"));
      at += part.length;
    }
    parts.push(Buffer.from(`0\r\n${trailer === undefined ? "" : `${trailer}: 1\r\n`}\r\n`));
    return { line, content: body.toString("latin1"), bytes: Buffer.concat(parts) };
  });

it("requests are followed whatever pieces they come in, and pass as they came", () => {
  const some = fc.array(message, { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(some, fc.array(fc.nat(), { maxLength: 12 }), (messages, places) => {
      const bytes = Buffer.concat(messages.map((one) => one.bytes));
      expect(follow(cut(bytes, places))).toEqual({
        passed: bytes.toString("latin1"),
        messages: messages.map(({ line, content: told }) => ({
          line,
          content: told,
          hasEnded: true,
        })),
        isLost: false,
      });
    }),
  );
});

it("whatever comes leaves as it came, or waits for a head's end", () => {
  const words = fc.constantFrom(
    ...[
      "GET / HTTP/1.1\r\n",
      "POST /v2/models/m/infer HTTP/1.1\r\n",
      "Host: h\r\n",
      "\r\n",
      "\n",
      "\r",
    ],
    ...[
      "Content-Length: 5\r\n",
      "Transfer-Encoding: chunked\r\n",
      "5\r\nhello\r\n",
      "0\r\n\r\n",
      "hello",
    ],
    ...["HTTP/1.1 200 OK\r\n", " folded\r\n", "\0", "ffffffffff\r\n", "é"],
  );
  fc.assert(
    fc.property(
      fc.array(words, { maxLength: 20 }),
      fc.array(fc.nat(), { maxLength: 6 }),
      (parts, places) => {
        const text = parts.join("");
        if (text === "") return;
        const bytes = Buffer.from(text);
        const { passed } = follow(cut(bytes, places));
        // Empty lines before a request are no part of it.
        const without = (all: string): string => all.replaceAll("\r\n", "");
        expect(without(bytes.toString("latin1")).startsWith(without(passed))).toBe(true);
      },
    ),
  );
});

describe("what two readers could understand in two ways is not understood, and passes", () => {
  const POST = "POST /v2/models/m/infer HTTP/1.1\r\nHost: h\r\n";
  it.each([
    [
      "a length and chunks",
      `${POST}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    ["two lengths", `${POST}Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd`],
    ["a length with a sign", `${POST}Content-Length: +4\r\n\r\nabcd`],
    ["a coding that is not known", `${POST}Transfer-Encoding: gzip, chunked\r\n\r\nabcd`],
    ["a coding that only looks known", `${POST}Transfer-Encoding: \vchunked\r\n\r\nabcd`],
    ["a length with a space that is none", `${POST}Content-Length: 4\xa0\r\n\r\nabcd`],
    ["a space before the colon", `${POST}Content-Length : 4\r\n\r\nabcd`],
    ["a folded header", `${POST}X-A: 1\r\n 2\r\n\r\n`],
    ["a bare line feed", `${POST}X-A: 1\nContent-Length: 4\r\n\r\nabcd`],
    ["a head that ends with bare line feeds", "GET / HTTP/1.1\nHost: h\n\n"],
    ["a bare carriage return", `${POST}X-A: 1\rContent-Length: 4\r\n\r\nabcd`],
    ["a name that is none", `${POST}X A: 1\r\n\r\n`],
    ["HTTP/2 without being asked", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
    ["a tunnel", "CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n\x16\x03"],
    ["a chunk without a size", `${POST}Transfer-Encoding: chunked\r\n\r\nhello\r\n0\r\n\r\n`],
    [
      "a chunk with a negative size",
      `${POST}Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n`,
    ],
    [
      "a chunk longer than its size",
      `${POST}Transfer-Encoding: chunked\r\n\r\n4\r\nhello\r\n0\r\n\r\n`,
    ],
    [
      "a chunk's size without an end",
      `${POST}Transfer-Encoding: chunked\r\n\r\n5;${"x".repeat(20_000)}`,
    ],
    ["a head without an end", `${POST}X-A: ${"x".repeat(140_000)}`],
    ["TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"],
    ["a word without an end", "x".repeat(40)],
  ])("%s", (_name, text) => {
    expect(whole(text)).toMatchObject({ passed: text, isLost: true });
    const more = Buffer.from("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    const [seen, again] = [follow([Buffer.from(text, "latin1"), more]), whole(text)];
    expect(seen.passed).toBe(text + more.toString());
    expect(seen.messages.length).toBe(again.messages.length);
  });
});

describe("an answer", () => {
  it.each([
    ["GET", "HTTP/1.1 200 OK\r\nContent-Length: 5", { kind: "length", bytes: 5 }],
    ["GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked", { kind: "chunked" }],
    ["GET", "HTTP/1.0 200", { kind: "until-close" }],
    ["HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5", { kind: "none" }],
    ["GET", "HTTP/1.1 204 No Content", { kind: "none" }],
    ["GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5", { kind: "none" }],
    ["POST", "HTTP/1.1 100 Continue", { kind: "none" }],
    ["POST", "HTTP/1.1 200 OK\r\nContent-Length: 0", { kind: "none" }],
  ])("to %s, %j: its body is %j", (method, text, framing) => {
    expect(readAnswerHead(text, method)?.framing).toEqual(framing);
  });

  it.each(["HTTP/1.1 2000 OK", "HTTP/2 200", "ICY 200 OK", "HTTP/1.1 200 OK\r\nContent-Length: x"])(
    "%j is none",
    (text) => {
      expect(readAnswerHead(text, "GET")).toBe(null);
    },
  );
});

it("what is no answer is known by its first bytes", () => {
  const first = ["H", "HTTP/1.", "HTTP/1.1 2", "SSH-2.0-x\r\n", "\0"];
  expect(first.map((text) => mayBeginAnswer(Buffer.from(text)))).toEqual([
    ...[true, true, true, false, false],
  ]);
});

it("the space within a value stays, that around it goes, however much it is", () => {
  const space = " \t".repeat(10_000);
  const head = readRequestHead(`GET / HTTP/1.1\r\nX-A:${space}b${space}c${space}`);
  expect(head?.headers["x-a"]).toBe(`b${space}c`);
});

it("a length of many noughts is none", () => {
  const head = readRequestHead("POST / HTTP/1.1\r\nContent-Length: 000");
  expect(head?.framing).toEqual({ kind: "none" });
});

it("a request is addressed to the server, and otherwise left alone", () => {
  const text = "POST /v2/x?a=/b HTTP/1.1\r\nhOST: proxy:8090\r\nX-Host: proxy\r\nAccept:  */*";
  expect(addressedTo(text, "server:80", "/under$&")).toBe(
    "POST /under$&/v2/x?a=/b HTTP/1.1\r\nhOST: server:80\r\nX-Host: proxy\r\nAccept:  */*\r\n\r\n",
  );
  expect(addressedTo("OPTIONS * HTTP/1.1\r\nHost: p", "s", "/under")).toBe(
    "OPTIONS * HTTP/1.1\r\nHost: s\r\n\r\n",
  );
});

it("headers that came twice are one, and none is mistaken for a property", () => {
  const head = readRequestHead("GET / HTTP/1.1\r\nX-A: 1\r\n__proto__: a\r\nx-a:2 ");
  expect(Object.entries(head?.headers ?? {})).toEqual([
    ["x-a", "1, 2"],
    ["__proto__", "a"],
  ]);
});
