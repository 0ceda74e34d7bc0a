/** The example of a checkout; an installed package has none, and says so. */
import { existsSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import type { ExampleOptions, ExamplePlan } from "../../runtime/example-plan.ts";
import { modulePath } from "../places.ts";

/** What `examples/flights/main` exports; loaded by name, so that the command works without it. */
interface ExampleModule {
  flightsExample(options: ExampleOptions): ExamplePlan;
}

/** @throws {DriftmendError} example_missing */
export async function loadExample(options: ExampleOptions): Promise<ExamplePlan> {
  const path = modulePath("examples/flights/main");
  if (!existsSync(path)) {
    throw new DriftmendError("example_missing", {
      retry: "never",
      message: `Cannot run the example as its sources must be there: "${path}" does not exist`,
      next: "Clone the repository and type npm start there, or run up without --example.",
    });
  }
  const module = (await import(pathToFileURL(path).href)) as ExampleModule;
  return module.flightsExample(options);
}
