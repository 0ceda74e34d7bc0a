/** The proxy on the real process: callers get what the server says, byte for byte, and predictions appear beside it. */
import { type IncomingMessage, type ServerResponse, request as openRequest } from "node:http";
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, it } from "vitest";
import { type AgentProcess, until } from "./agent-process.ts";
import { spooledRows } from "./capture-harness.ts";
import { closeAll, openProxied as open } from "./proxied-server.ts";

afterEach(closeAll);

const REQUEST = JSON.stringify({
  inputs: [{ name: "x", shape: [1, 2], datatype: "FP32", data: [1, 2] }],
});
const RESPONSE = JSON.stringify({
  ...{ model_name: "fraud", model_version: "3" },
  outputs: [{ name: "y", shape: [1], datatype: "FP32", data: [0.5] }],
});
const answerJson = (request: IncomingMessage, response: ServerResponse): void => {
  request.resume().on("end", () => {
    response.setHeader("Content-Type", "application/json");
    response.setHeader("X-Server", "Test");
    response.end(RESPONSE);
  });
};
const infer = (url: string, headers: Record<string, string> = {}, body = REQUEST) =>
  fetch(`${url}/v2/models/fraud/infer`, { method: "POST", body, headers });
const idOf = (answer: Response): string => answer.headers.get("x-prediction-id") ?? "";
const stored = (folder: string, id: string) =>
  until(() => spooledRows(folder, "predictions", id).length === 1, `${id} is in the spool`);

describe("an inference call", () => {
  it("is answered as the server answers, told its id, and becomes a prediction", async () => {
    const { url, folder } = await open(answerJson);
    const answer = await infer(url);
    expect(await answer.text()).toBe(RESPONSE);
    expect(answer.headers.get("x-server")).toBe("Test");
    const id = idOf(answer);
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    await stored(folder, id);
    const [row] = spooledRows(folder, "predictions", id);
    expect(row).toMatchObject({ model: "fraud", version: "3", value: 0.5, error: "" });
    expect(row?.["num"]).toEqual([
      ["x[0]", 1],
      ["x[1]", 2],
    ]);
    expect(Number(row?.["latency"])).toBeGreaterThan(0);
  });

  it("keeps the id that the caller gives, and counts the same request twice", async () => {
    const { url, folder } = await open(answerJson);
    expect(idOf(await infer(url, { "x-prediction-id": "order-7" }))).toBe("order-7");
    const again = [await infer(url), await infer(url)].map(idOf);
    for (const id of ["order-7", ...again]) await stored(folder, id);
  });

  it("that fails is an error of the model, with its features", async () => {
    const { url, folder } = await open((request, response) => {
      request.resume().on("end", () => response.writeHead(503).end("overloaded"));
    });
    const answer = await infer(url);
    expect([answer.status, await answer.text()]).toEqual([503, "overloaded"]);
    await stored(folder, idOf(answer));
    expect(spooledRows(folder, "predictions", idOf(answer))).toMatchObject([
      {
        error: "http_503",
        num: [
          ["x[0]", 1],
          ["x[1]", 2],
        ],
      },
    ]);
  });

  it("is answered with 502 where the server is gone, which is an error too", async () => {
    const { url, folder, server } = await open(answerJson);
    await new Promise((resolve) => server.close(resolve));
    const answer = await infer(url);
    expect(answer.status).toBe(502);
    expect(await answer.json()).toMatchObject({ code: "upstream_unreachable" });
    await stored(folder, idOf(answer));
    expect(spooledRows(folder, "predictions", idOf(answer))).toMatchObject([
      { error: "upstream_unreachable" },
    ]);
  });

  it("in binary, compressed, or as V1 is read as well", async () => {
    const { url, folder } = await open((request, response) => {
      request.resume().on("end", () => {
        response.setHeader("content-encoding", "gzip");
        response.end(gzipSync(JSON.stringify({ predictions: [7] })));
      });
    });
    const answer = await fetch(`${url}/v1/models/house:predict`, {
      method: "POST",
      body: JSON.stringify({ instances: [{ area: 80, city: "Bonn" }] }),
    });
    expect(await answer.json()).toEqual({ predictions: [7] });
    await stored(folder, idOf(answer));
    expect(spooledRows(folder, "predictions", idOf(answer))).toMatchObject([
      { model: "house", value: 7, num: [["area", 80]], cat: [["city", "Bonn"]] },
    ]);
  });
});

describe("a call of OpenAI's API", () => {
  const chunk = (content: string, more: object = {}) =>
    `data: ${JSON.stringify({ model: "m-2", choices: [{ delta: { content }, ...more }] })}\n\n`;

  it("streams through as it comes, and becomes a prediction without its texts", async () => {
    let finish = (): void => undefined;
    const { url, folder } = await open((request, response) => {
      request.resume().on("end", () => {
        response.setHeader("content-type", "text/event-stream");
        response.write(chunk("I'm sorry, "));
        finish = () => {
          response.write(chunk("no.", { finish_reason: "stop" }));
          const usage = { prompt_tokens: 5, completion_tokens: 4 };
          response.end(`data: ${JSON.stringify({ choices: [], usage })}\n\ndata: [DONE]\n\n`);
        };
      });
    });
    const messages = [{ role: "user", content: "A secret question" }];
    const answer = await fetch(`${url}/v1/chat/completions`, {
      method: "POST",
      body: JSON.stringify({ model: "m", stream: true, temperature: 0.5, messages }),
    });
    const reader = answer.body?.getReader();
    const first = await reader?.read();
    // The first words are here while the server has not said the last ones.
    expect(Buffer.from(first?.value ?? []).toString()).toBe(chunk("I'm sorry, "));
    finish();
    while ((await reader?.read())?.done === false) continue;
    const id = idOf(answer);
    await stored(folder, id);
    const [row] = spooledRows(folder, "predictions", id);
    expect(row).toMatchObject({ model: "m", version: "m-2" });
    expect(Object.fromEntries(row?.["num"] as never)).toMatchObject({
      ...{ input_tokens: 5, output_tokens: 4, temperature: 0.5 },
      ...{ input_characters: 17, output_characters: 14, output_refusal: 1 },
      time_to_first_chunk: expect.any(Number),
    });
    expect(row?.["cat"]).toEqual([["finish_reason", "stop"]]);
    expect(JSON.stringify(row)).not.toMatch(/secret|sorry/);
  });
});

describe("whatever else passes", () => {
  it("passes untouched: method, path, query, headers and bytes, without an id", async () => {
    const { url, agent } = await open((request, response) => {
      const parts: Buffer[] = [];
      request.on("data", (part: Buffer) => parts.push(part));
      request.on("end", () => {
        response.writeHead(207, "Odd", [
          "X-Echo",
          `${request.method} ${request.url}`,
          "X-B",
          "1",
          "X-B",
          "2",
        ]);
        response.end(Buffer.concat([Buffer.from(request.rawHeaders.join("\n")), ...parts]));
      });
    });
    const { port } = new URL(url);
    const answer = await new Promise<{
      status: number;
      message: string;
      raw: string[];
      body: string;
    }>((resolve, reject) => {
      const headers = ["X-Odd-Case", "kept", "X-A", "1", "X-A", "2", "Host", "here"];
      const call = openRequest({
        port,
        method: "PUT",
        path: "/v2/repository/index?a=%20b",
        headers,
      });
      call.on("error", reject).on("response", (got) => {
        let body = "";
        got.on("data", (part) => (body += part));
        got.on("end", () =>
          resolve({
            ...{
              status: got.statusCode ?? 0,
              message: got.statusMessage ?? "",
              raw: got.rawHeaders,
              body,
            },
          }),
        );
      });
      call.end("bytes");
    });
    expect(answer).toMatchObject({ status: 207, message: "Odd" });
    expect(answer.raw.join(",")).toContain("X-Echo,PUT /v2/repository/index?a=%20b,X-B,1,X-B,2");
    expect(answer.raw.join(",").toLowerCase()).not.toContain("x-prediction-id");
    expect(answer.body).toContain("X-Odd-Case\nkept\nX-A\n1\nX-A\n2");
    expect(answer.body.endsWith("bytes")).toBe(true);
    expect((await agent.self()).totals).not.toHaveProperty("calls.captured");
  });

  it("passes while the spool takes nothing, which is counted", async () => {
    const { url, agent } = await open(answerJson, { DRIFTMEND_SPOOL_BYTES_MAX: "1" });
    const called = async (kind: string): Promise<number> =>
      (await agent.self()).totals[`calls.${kind}`] ?? 0;
    // The first one makes it full.
    await infer(url);
    await until(async () => (await called("captured")) === 1, "the first is in the spool");
    const answers = await Promise.all(Array.from({ length: 20 }, () => infer(url)));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    await until(async () => (await called("shed")) === 20, "the others are shed");
  });

  it("passes where it is too large to be kept: the call counts, without what was in it", async () => {
    const { url, folder } = await open(answerJson);
    const data = Array.from({ length: 1_500_000 }, () => 1.5);
    const body = JSON.stringify({
      inputs: [{ name: "x", shape: [1, data.length], datatype: "FP32", data }],
    });
    const answer = await infer(url, {}, body);
    expect(await answer.text()).toBe(RESPONSE);
    await stored(folder, idOf(answer));
    expect(spooledRows(folder, "predictions", idOf(answer))).toMatchObject([
      { value: 0.5, num: [] },
    ]);
  });

  it("lets go of the server where the caller hangs up, which is no call of the model", async () => {
    let released = 0;
    const gone = new AbortController();
    const { url, agent, folder } = await open((request, response) => {
      if (request.headers["x-answer"] !== undefined) {
        answerJson(request, response);
        return;
      }
      request.resume();
      response.on("close", () => released++);
      // Not before the call is there: the caller may be slow.
      gone.abort();
    });
    const call = fetch(`${url}/v2/models/fraud/infer`, {
      method: "POST",
      body: REQUEST,
      signal: gone.signal,
    });
    await expect(call).rejects.toThrow(/abort/);
    await until(() => released === 1, "the server is let go");
    await stored(folder, idOf(await infer(url, { "x-answer": "yes" })));
    // It is counted after it is on disk.
    await expect.poll(async () => (await agent.self()).totals["calls.captured"]).toBe(1);
  });
});

describe("what callers and servers should not do", () => {
  it("does not stop the agent: encodings that objects know, bodies without end", async () => {
    const { url, agent, folder } = await open(answerJson);
    const odd = [
      await infer(url, { "content-encoding": "constructor" }),
      await infer(url, {}, `{"instances":[${"[".repeat(20_000)}1${"]".repeat(20_000)}]}`),
    ];
    const good = await infer(url);
    for (const answer of [...odd, good]) expect(answer.status).toBe(200);
    await stored(folder, idOf(good));
    expect(spooledRows(folder, "dead_letters", idOf(odd[1] as Response))).toMatchObject([
      { reason: "payload_invalid", sample: "" },
    ]);
    await expect.poll(async () => (await agent.self()).totals["calls.captured"]).toBe(3);
  });

  it("a body without a length stays the body of its request, whatever the method", async () => {
    const seen: string[] = [];
    const { url } = await open((request, response) => {
      let body = "";
      request.on("data", (part) => (body += part));
      request.on("end", () => {
        seen.push(`${request.method} ${request.url} ${body}`);
        response.end("ok");
      });
    });
    const hidden =
      "POST /v2/repository/models/m/unload HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n";
    const answer = await new Promise<string>((resolve, reject) => {
      const headers = { "transfer-encoding": "chunked" };
      const call = openRequest(`${url}/health`, { method: "GET", headers }, (got) => {
        got.resume().on("end", () => resolve("answered"));
      });
      call.on("error", reject).end(hidden);
    });
    expect(answer).toBe("answered");
    await infer(url);
    expect(seen).toEqual([`GET /health ${hidden}`, `POST /v2/models/fraud/infer ${REQUEST}`]);
  });

  it("a server that dies in the middle of an upload does not leave its caller waiting", async () => {
    const { url } = await open((request) => {
      request.once("data", () => request.socket.destroy());
    });
    const body = "x".repeat(30 * 1024 * 1024);
    const answered = new Promise<number>((resolve) => {
      const call = openRequest(`${url}/v2/models/fraud/infer`, { method: "POST" }, (got) => {
        got.resume();
        resolve(got.statusCode ?? 0);
      });
      call.on("error", () => resolve(-1)).end(body);
    });
    expect(await answered).toBe(502);
  });

  it("answers before the body's end leave no copies behind", async () => {
    const { url, folder } = await open((_request, response) => {
      response.writeHead(413, { connection: "close" }).end("too large");
    });
    const body = "x".repeat(2 * 1024 * 1024);
    // More than all copies may take together.
    for (let i = 0; i < 40; i++)
      await infer(url, {}, body).then(
        (answer) => answer.text(),
        () => "",
      );
    const last = await infer(url);
    await stored(folder, idOf(last));
    expect(spooledRows(folder, "predictions", idOf(last))).toMatchObject([
      {
        error: "http_413",
        num: [
          ["x[0]", 1],
          ["x[1]", 2],
        ],
      },
    ]);
  });

  it("an answer that is cut off is an error of the server", async () => {
    const { url, folder } = await open((request, response) => {
      request.resume().on("end", () => {
        response.writeHead(200, { "content-length": "1000" });
        response.write("half");
        setTimeout(() => response.destroy(), 50);
      });
    });
    await expect(
      infer(url, { "x-prediction-id": "cut" }).then((answer) => answer.text()),
    ).rejects.toThrow(/terminated|socket/);
    await stored(folder, "cut");
    expect(spooledRows(folder, "predictions", "cut")).toMatchObject([
      { error: "upstream_unreachable" },
    ]);
  });
});

it("ends with the agent, once what passed is in the spool", async () => {
  const { url, agent, folder } = await open(answerJson);
  const ids = (await Promise.all(Array.from({ length: 30 }, () => infer(url)))).map(idOf);
  const process: AgentProcess = agent;
  expect(await process.stop()).toBe(0);
  expect(ids.filter((id) => spooledRows(folder, "predictions", id).length !== 1)).toEqual([]);
});
