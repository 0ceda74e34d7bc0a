import { expect, it } from "vitest";
import { parseSubject } from "../../cli/commands/erase.ts";
import { spellings, subjectOf } from "../../collector/erasures/request.ts";

it("reads a subject as a tag or feature with its value", () => {
  expect(parseSubject("tag[customer]=42")).toEqual({ kind: "tag", name: "customer", value: "42" });
  expect(parseSubject("feature[a=b]=c]=d")).toEqual({
    kind: "feature",
    name: "a=b",
    value: "c]=d",
  });
  expect(parseSubject("tag[customer]=")).toEqual({ kind: "tag", name: "customer", value: "" });
  for (const text of ["customer=42", "tag[]=1", "tag[customer]", "label[x]=1"]) {
    expect(() => parseSubject(text)).toThrow("tag[name]=value");
  }
});

it("names it by hashes that differ by model, kind, name and value", () => {
  const of = (model: string, kind: "tag" | "feature", name: string, value: string): string =>
    subjectOf({ model, what: { kind, name, value } }).hashes.join();
  const all = [of("m", "tag", "a", "b"), of("n", "tag", "a", "b"), of("m", "feature", "a", "b")];
  expect(new Set([...all, of("m", "tag", "a", "c"), of("m", "tag", "b", "b")]).size).toBe(5);
  expect(spellings("42.0")).toEqual(["42.0", "42"]);
  expect(spellings("customer")).toEqual(["customer"]);
  expect(spellings(" ")).toEqual([" "]);
});
