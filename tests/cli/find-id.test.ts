import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CommandContext } from "../../cli/command-context.ts";
import { acknowledge, why } from "../../cli/commands/alerts.ts";
import { onRun } from "../../cli/commands/runs.ts";
import { wholeId } from "../../cli/find-id.ts";
import { plain } from "../../cli/paint.ts";
import { systemClock } from "../../runtime/clock.ts";

const alert = (id: string, state: string, from: string) => ({
  ...{ id, model: "flights", kind: "calibration", severity: "ticket", state, subject: "all" },
  ...{ cause: "world", from, to: null, fired: from, title: `title of ${id}`, text: "text" },
  ...{ revision: 1, acknowledged: null, silenced: null },
});
const ALERTS = [
  alert("calibration-aa1", "resolved", "2026-09-20T00:00:00.000Z"),
  alert("calibration-ab2", "firing", "2026-09-01T00:00:00.000Z"),
  alert("no-traffic-cc3", "firing", "2026-09-10T00:00:00.000Z"),
];
const detail = {
  explanation: {
    ...{ what: "w", since: "2026-09-10T00:00:00.000Z", cost: "none", cause: "world" },
    ...{ causeText: "c", where: "everywhere", certainty: "sure", changes: [], loop: "watches" },
    commands: [],
  },
  ...{ numbers: {}, annotations: [], replayDigest: "d", finding: null, windows: [] },
};

let server: Server;
let alerts = ALERTS;
const posted: string[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    const url = request.url ?? "";
    if (request.method === "POST") posted.push(url);
    const one = alerts.find(({ id }) => url === `/api/v1/alerts/${id}`);
    const lists: Record<string, object> = {
      "/api/v1/alerts": { alerts, total: alerts.length },
      "/api/v1/runs": { runs: [{ id: "run-20260817T0000-d23b7a" }, { id: "run-20260824T0000-1" }] },
    };
    response.end(JSON.stringify(one === undefined ? (lists[url] ?? {}) : { ...one, ...detail }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

async function printed(
  command: (context: CommandContext) => Promise<number>,
  args: readonly string[],
): Promise<string> {
  const lines: string[] = [];
  const { port } = server.address() as AddressInfo;
  await command({
    ...{ args, options: {}, clock: systemClock, paint: plain, columns: 100 },
    typed: { program: "driftmend", option: "" },
    env: { DRIFTMEND_URL: `http://127.0.0.1:${port}`, DRIFTMEND_TOKEN: "t", USER: "ada" },
    print: (line) => lines.push(line),
    note: () => undefined,
  });
  return lines.join("\n");
}

describe("an id", () => {
  it("may be typed by its beginning where it is the only one", () => {
    expect(wholeId("run", "run-b", ["run-a1", "run-b2"])).toBe("run-b2");
    expect(wholeId("run", "run-a1", ["run-a1", "run-a12"])).toBe("run-a1");
    expect(wholeId("run", "other", ["run-a1"])).toBe("other");
  });

  it("that several begin with is refused with the candidates", () => {
    expect(() => wholeId("alert", "c", ["c1", "c2", "d"])).toThrow(
      expect.objectContaining({
        code: "id_ambiguous",
        message: 'Cannot tell which alert is meant by "c": 2 ids begin with it',
        next: "Type more of one: c1, c2.",
      }),
    );
  });

  it("is made whole before a command acts", async () => {
    expect(await printed(acknowledge, ["calibration-ab"])).toBe(
      "Alert calibration-ab2: acknowledged",
    );
    await printed(onRun("approve"), ["run-20260817"]);
    expect(posted).toEqual([
      "/api/v1/alerts/calibration-ab2/acknowledge",
      "/api/v1/runs/run-20260817T0000-d23b7a/approve",
    ]);
    await expect(printed(why, ["calib"])).rejects.toMatchObject({ code: "id_ambiguous" });
  });
});

describe("why", () => {
  it("explains the newest open alert when none is named, else the newest, else says there is none", async () => {
    expect(await printed(why, [])).toContain("title of no-traffic-cc3");
    alerts = ALERTS.filter(({ state }) => state === "resolved");
    expect(await printed(why, [])).toContain("title of calibration-aa1");
    alerts = [];
    expect(await printed(why, [])).toBe("No alerts so far");
  });
});
