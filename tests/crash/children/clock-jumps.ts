/** Imported before a service: its wall clock is off by the milliseconds that the file CLOCK_OFFSET_FILE holds. */
import { readFileSync } from "node:fs";

const file = process.env["CLOCK_OFFSET_FILE"] ?? "";
const real = Date.now.bind(Date);
let offsetMs = 0;

function read(): void {
  try {
    offsetMs = Number(readFileSync(file, "utf8")) || 0;
  } catch {
    offsetMs = 0;
  }
}

read();
setInterval(read, 50).unref();
Date.now = () => real() + offsetMs;
globalThis.Date = new Proxy(Date, {
  construct: (target, given: unknown[]) =>
    Reflect.construct(target, given.length === 0 ? [Date.now()] : given),
});
