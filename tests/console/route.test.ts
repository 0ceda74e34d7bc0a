import { describe, expect, it } from "vitest";
import fc from "fast-check";
import { nextState } from "../../console/api/connection.ts";
import { readFragment } from "../../console/api/fragment.ts";
import { UNREACHABLE, problemOf } from "../../console/api/problem.ts";
import { alertPath, modelPath, parseRoute, runPath } from "../../console/route.ts";

describe("addresses", () => {
  it.each([
    ["/", { view: "fleet" }],
    ["/alerts", { view: "alerts" }],
    ["/alerts/", { view: "alerts" }],
    ["/runs/run-1", { view: "run", id: "run-1" }],
    ["/models", { view: "unknown", path: "/models" }],
    ["/models/a/b", { view: "unknown", path: "/models/a/b" }],
    ["/models/%zz", { view: "unknown", path: "/models/%zz" }],
  ])("%s", (path, route) => expect(parseRoute(path)).toEqual(route));

  it("are written so that they are read again, whatever a model is called", () => {
    const names = fc.string({ minLength: 1, unit: "grapheme" });
    fc.assert(
      fc.property(names, (name) => {
        expect(parseRoute(modelPath(name))).toEqual({ view: "model", model: name });
        expect(parseRoute(alertPath(name))).toEqual({ view: "alert", id: name });
        expect(parseRoute(runPath(name))).toEqual({ view: "run", id: name });
      }),
    );
  });
});

describe("the fragment of an address", () => {
  it.each([
    ["", null, ""],
    ["#drift", null, "#drift"],
    ["#token=a-b_C", "a-b_C", ""],
    ["#token=a&drift", "a", "#drift"],
    ["#token=", null, "#token="],
  ])("%s: token %s, then %s", (hash, token, rest) => {
    expect(readFragment(hash)).toEqual({ token, rest });
  });
});

describe("the connection", () => {
  it("remembers since when it is lost, and is well with the first answer", () => {
    const live = nextState({ kind: "connecting" }, null, 1_000);
    expect(live).toEqual({ kind: "live", atMs: 1_000 });
    const lost = nextState(live, UNREACHABLE, 5_000);
    expect(lost).toMatchObject({ kind: "lost", sinceMs: 1_000 });
    expect(nextState(lost, UNREACHABLE, 9_000)).toMatchObject({ kind: "lost", sinceMs: 1_000 });
    expect(nextState(lost, null, 9_000)).toEqual({ kind: "live", atMs: 9_000 });
  });

  it("is not lost because something is not found or refused", () => {
    const notFound = problemOf(404, { detail: "none", next: null });
    expect(nextState({ kind: "live", atMs: 1 }, notFound, 2)).toEqual({ kind: "live", atMs: 2 });
  });
});

describe("problems", () => {
  it.each([
    [401, "no-token"],
    [403, "refused"],
    [404, "not-found"],
    [409, "refused"],
    [503, "unavailable"],
  ] as const)("%i is %s", (status, kind) => expect(problemOf(status, null).kind).toBe(kind));

  it("keep the words of the problem document", () => {
    const problem = problemOf(409, { detail: "Cannot approve", next: "Wait." });
    expect(problem).toMatchObject({ detail: "Cannot approve", next: "Wait." });
  });
});
