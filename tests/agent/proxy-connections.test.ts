/** What callers and servers do with their connections, through the proxy on the real process. */
import { readFileSync } from "node:fs";
import { type Socket, connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, it } from "vitest";
import { until } from "./agent-process.ts";
import { spooledRows } from "./capture-harness.ts";
import { type Proxied, closeAll, openProxied, openProxiedSocket } from "./proxied-server.ts";

const callers: Socket[] = [];
afterEach(async () => {
  for (const caller of callers.splice(0)) caller.destroy();
  await closeAll();
});

const BODY = JSON.stringify({ instances: [{ area: 80 }] });
const infer = (id: string, more = ""): string =>
  `POST /v1/models/house:predict HTTP/1.1\r\nHost: proxy\r\nx-prediction-id: ${id}\r\n${more}` +
  `Content-Length: ${BODY.length}\r\n\r\n${BODY}`;

/** A caller that says what it is told, and keeps what it hears. */
function dial({ port }: Proxied): { readonly socket: Socket; heard: string; hasEnded: boolean } {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  const caller = { socket, heard: "", hasEnded: false };
  socket.on("data", (chunk) => (caller.heard += chunk.toString("latin1")));
  socket.on("end", () => (caller.hasEnded = true));
  socket.on("error", () => undefined);
  callers.push(socket);
  return caller;
}

const heard = (caller: { readonly heard: string }, part: string): Promise<void> =>
  until(() => caller.heard.includes(part), `"${part}" is heard`);
const stored = (folder: string, id: string): Promise<void> =>
  until(() => spooledRows(folder, "predictions", id).length === 1, `${id} is in the spool`);

/** By how many MiB the agent has grown at most, until it is asked. */
function watchResident({ agent }: Proxied): () => number {
  const resident = (): number => {
    const status = readFileSync(`/proc/${agent.pid}/status`, "utf8");
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
  };
  const before = resident();
  let most = before;
  const timer = setInterval(() => (most = Math.max(most, resident())), 20);
  return () => {
    clearInterval(timer);
    return Math.max(most, resident()) - before;
  };
}

describe("on one connection", () => {
  it("calls that are sent at once are answered in turn, each under its own id", async () => {
    const house = await openProxied((request, response) => {
      request.resume().on("end", () => {
        response.end(JSON.stringify({ predictions: [Number(request.headers["x-n"])] }));
      });
    });
    const caller = dial(house);
    const ids = Array.from({ length: 100 }, (_, i) => `call-${i}`);
    caller.socket.write(ids.map((id, i) => infer(id, `X-N: ${i}\r\n`)).join(""));
    await heard(caller, '{"predictions":[99]}');
    expect([...caller.heard.matchAll(/x-prediction-id: (.*)\r/g)].map(([, id]) => id)).toEqual(ids);
    for (const id of ids) await stored(house.folder, id);
    expect(spooledRows(house.folder, "predictions", "call-42")).toMatchObject([{ value: 42 }]);
  });

  it("an interim answer, one without a body and one to HEAD leave the next one in its place", async () => {
    const house = await openProxied((request, response) => {
      request.resume().on("end", () => {
        if (request.url === "/hint") response.writeEarlyHints({ link: "</x>; rel=preload" });
        response.statusCode = request.url === "/none" ? 204 : 200;
        response.setHeader("content-length", request.url === "/none" ? 0 : 2);
        response.end(request.url === "/none" ? "" : "ok");
      });
    });
    const caller = dial(house);
    const ask = (method: string, path: string): string =>
      `${method} ${path} HTTP/1.1\r\nHost: h\r\n\r\n`;
    caller.socket.write(
      ask("GET", "/hint") + ask("HEAD", "/head") + ask("GET", "/none") + infer("last"),
    );
    await heard(caller, "x-prediction-id: last");
    expect([...caller.heard.matchAll(/HTTP\/1.1 (\d+)/g)].map(([, status]) => status)).toEqual([
      ...["103", "200", "200", "204", "200"],
    ]);
    await until(async () => {
      return (await house.agent.self()).totals["calls.captured"] === 1;
    }, "the call is captured");
  });

  it("a caller that waits to be told to go on is told so by the server", async () => {
    const house = await openProxiedSocket((socket) => {
      socket.on("data", (chunk) => {
        if (chunk.includes("Expect")) socket.write("HTTP/1.1 100 Continue\r\n\r\n");
        else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n{"predictions":[1]}');
      });
    });
    const caller = dial(house);
    const [head, body] = infer("waits", "Expect: 100-continue\r\n").split("\r\n\r\n");
    caller.socket.write(`${head}\r\n\r\n`);
    await heard(caller, "100 Continue");
    caller.socket.write(body ?? "");
    await heard(caller, "x-prediction-id: waits");
  });

  it("the server's path stands before that of the call", async () => {
    const house = await openProxied(
      (request, response) => {
        response.end(`${request.url} ${request.headers.host}`);
      },
      {},
      "/tenants/7/",
    );
    const answer = await fetch(`${house.url}/v2/health?a=1`);
    expect(await answer.text()).toMatch(/^\/tenants\/7\/v2\/health\?a=1 127\.0\.0\.1:\d+$/);
  });
});

describe("what is not understood passes, both ways, and is counted", () => {
  const unread = async ({ agent }: Proxied): Promise<number> =>
    (await agent.self()).totals["calls.unread"] ?? 0;

  it("a protocol of which heads and lines are unknown", async () => {
    const house = await openProxiedSocket((socket) => {
      socket.on("data", (chunk) => socket.write(`said ${chunk.toString()}`));
    });
    const caller = dial(house);
    caller.socket.write("\x16\x03\x01 hello\n");
    await heard(caller, "said \x16\x03\x01 hello\n");
    caller.socket.write("again");
    await heard(caller, "said again");
    await until(async () => (await unread(house)) === 1, "the connection is counted once");
  });

  it("an answer that is none, and what the caller says after it", async () => {
    const house = await openProxiedSocket((socket) => {
      socket.on("data", (chunk) => socket.write(`ICY 200 OK\n${chunk.length}`));
    });
    const caller = dial(house);
    caller.socket.write(infer("odd"));
    await heard(caller, "ICY 200 OK\n");
    caller.socket.write("half a line");
    await heard(caller, "ICY 200 OK\n11");
    await until(async () => (await unread(house)) === 1, "the connection is counted");
    expect((await house.agent.self()).totals).not.toHaveProperty("calls.captured");
  });

  it("though more requests wait than a connection may have", async () => {
    let taken = "";
    const house = await openProxiedSocket((socket) => {
      socket.once("data", () => setTimeout(() => socket.write("SSH-2.0-x"), 100));
      socket.on("data", (chunk) => (taken += chunk.toString("latin1")));
    });
    const caller = dial(house);
    for (let i = 0; i < 70; i++) caller.socket.write(infer(`many-${i}`));
    await heard(caller, "SSH-2.0-x");
    caller.socket.write("x".repeat(100_000));
    await until(() => taken.endsWith("x".repeat(100_000)), "all of it has come");
  });

  it("bytes that cannot begin a request, at once", async () => {
    const house = await openProxiedSocket((socket) => {
      socket.on("data", (chunk) => socket.write(chunk));
    });
    const caller = dial(house);
    caller.socket.write("\x16\x03\x01 no line ends here");
    await heard(caller, "no line ends here");
  });

  it("a call whose head is too large to be kept", async () => {
    const house = await openProxiedSocket((socket) => {
      socket.on("data", (chunk) => {
        if (chunk.includes(BODY)) socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
      });
    });
    const caller = dial(house);
    caller.socket.write(infer("large", `X-Large: ${"x".repeat(20_000)}\r\n`));
    await heard(caller, "{}");
    expect(caller.heard).not.toContain("x-prediction-id");
    expect(await unread(house)).toBe(1);
  });

  it("another protocol that was agreed on is no fault", async () => {
    const house = await openProxied(() => undefined);
    house.server.on("upgrade", (_request, socket: Socket) => {
      socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\n\r\nwelcome");
      socket.on("data", (chunk) => socket.write(chunk));
      socket.on("end", () => socket.end());
    });
    const caller = dial(house);
    caller.socket.write(
      "GET /chat HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n",
    );
    await heard(caller, "welcome");
    caller.socket.write("no HTTP at all\n");
    await heard(caller, "no HTTP at all\n");
    caller.socket.end();
    await until(() => caller.hasEnded, "the server's end is passed on");
    expect(await unread(house)).toBe(0);
  });
});

describe("an end", () => {
  it("of the server's connection is the end of an answer without a length, and of the caller's", async () => {
    const house = await openProxiedSocket((socket) => {
      socket.on("data", () => socket.end('HTTP/1.0 200 OK\r\n\r\n{"predictions":[7]}'));
    });
    const caller = dial(house);
    caller.socket.write(infer("closing"));
    await until(() => caller.hasEnded, "the connection ends");
    expect(caller.heard).toContain('{"predictions":[7]}');
    await stored(house.folder, "closing");
    expect(spooledRows(house.folder, "predictions", "closing")).toMatchObject([
      { value: 7, error: "" },
    ]);
  });

  it("of the caller's half of its connection reaches the server, whose answer still comes", async () => {
    const house = await openProxiedSocket((socket) => {
      socket.resume().on("end", () => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
    });
    const caller = dial(house);
    caller.socket.end("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    await heard(caller, "ok");
    await until(() => caller.hasEnded, "the connection ends");
  });

  it("of an idle connection to the server is the end of the caller's, and no fault", async () => {
    const house = await openProxied((_request, response) => response.end("ok"));
    const caller = dial(house);
    caller.socket.write("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    await heard(caller, "ok");
    (house.server as { closeIdleConnections?(): void }).closeIdleConnections?.();
    await until(() => caller.hasEnded, "the connection ends");
    expect((await house.agent.self()).totals).not.toHaveProperty("calls.upstream_failed");
  });

  it("of the agent comes soon, though callers keep idle connections", async () => {
    const house = await openProxied((_request, response) => response.end("ok"));
    const caller = dial(house);
    caller.socket.write("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    await heard(caller, "ok");
    caller.socket.on("end", () => caller.socket.end());
    expect(await house.agent.stop()).toBe(0);
    expect(caller.hasEnded).toBe(true);
  });
});

it("calls whose bodies grow a thousandfold when they are read take the memory of a few", async () => {
  const house = await openProxied((request, response) => {
    request.resume().on("end", () => response.end('{"predictions":[1]}'));
  });
  const body = gzipSync(`{"instances":[{"area":80}]${" ".repeat(4_000_000)}}`);
  const peak = watchResident(house);
  const headers = { "content-encoding": "gzip" };
  const call = (): Promise<Response> =>
    fetch(`${house.url}/v1/models/house:predict`, { method: "POST", headers, body });
  for (const answer of await Promise.all(Array.from({ length: 96 }, call))) await answer.text();
  await until(async () => {
    return (await house.agent.self()).totals["calls.captured"] === 96;
  }, "all are captured");
  expect(peak()).toBeLessThan(300);
});

it("a server that takes its time holds its caller, and what waits between them stays small", async () => {
  let taken = 0;
  let go = (): void => undefined;
  const house = await openProxiedSocket((socket) => {
    socket.pause();
    go = () => {
      socket.on("data", (chunk) => (taken += chunk.length));
      socket.resume();
    };
  });
  const peak = watchResident(house);
  const size = 256 * 1024 * 1024;
  const caller = dial(house);
  caller.socket.write(`PUT /model HTTP/1.1\r\nHost: h\r\nContent-Length: ${size}\r\n\r\n`);
  const piece = Buffer.alloc(1024 * 1024, "x");
  for (let sent = 0; sent < size; sent += piece.length) caller.socket.write(piece);
  await sleep(1_000);
  expect(peak()).toBeLessThan(64);
  go();
  await until(() => taken > size, "all of it has come");
});
