/** What a collector asks the store about models: little, however many a frame names. */
import { expect, it } from "vitest";
import { ModelBook } from "../../collector/model-book.ts";
import { silentLogger } from "../../runtime/logger.ts";
import type { Store } from "../../store/client.ts";

const GRID = { feature: "x", grid: 3, kind: "numeric", center: 0, inv_scale: 1, categories: [] };

/** A store that knows one model with a grid, and counts what it is asked. */
function storeWith(settled: string) {
  const asked: string[] = [];
  const query = async (
    { name }: { readonly name: string },
    { model }: { readonly model?: string },
  ): Promise<readonly object[]> => {
    asked.push(name);
    if (name === "models with grids or segment values") return [{ model: settled }];
    return name === "grids of a model" && model === settled ? [GRID] : [];
  };
  return { asked, store: { query } as unknown as Store };
}

it("a thousand new models are asked about once, and those with grids read", async () => {
  const { asked, store } = storeWith("m500");
  const book = new ModelBook({ store, logger: silentLogger });
  const models = Array.from({ length: 1_000 }, (_, i) => `m${i}`);
  await book.ensureAll(models);
  expect(asked.length).toBeLessThan(10);
  expect(book.settingsOf("m500").gridNumber).toBe(3);
  expect(book.settingsOf("m1").gridNumber).toBe(0);
  await book.ensureAll(models);
  expect(asked.length).toBeLessThan(10);
});

it("a few are read one by one", async () => {
  const { asked, store } = storeWith("a");
  const book = new ModelBook({ store, logger: silentLogger });
  await book.ensureAll(["a", "b"]);
  expect(asked.filter((name) => name === "grids of a model")).toHaveLength(2);
  expect(book.settingsOf("a").gridNumber).toBe(3);
});
