/** Where the system is reached, and what to type in a second terminal. */
import { resolve } from "node:path";
import type { ReadyFile } from "../../contract/ready-file.ts";
import { natsAddress } from "../../runtime/nats-address.ts";
import { pageUrl } from "../page-url.ts";
import type { Paint } from "../paint.ts";
import { defaultDataDirectory } from "../places.ts";
import { renderPairs } from "../table.ts";

export function addressLines(system: ReadyFile, paint: Paint): readonly string[] {
  const url = (address: string): string => paint("cyan", address);
  const isDefault = resolve(system.dataDir) === resolve(defaultDataDirectory());
  const option = isDefault ? "" : ` --data-dir ${system.dataDir}`;
  return [
    ...renderPairs(
      [
        ["page", `${url(pageUrl(system))} (open it in a browser; who has this address may act)`],
        ["API", url(system.url)],
        ["OTLP/HTTP", `${url(system.otlpHttp)} (predictions and labels go here)`],
        ...(system.otlpGrpc === null ? [] : [["OTLP/gRPC", url(system.otlpGrpc)] as const]),
        ["ClickHouse", url(system.clickhouse.url)],
        ["NATS", url(natsAddress(system.nats).shown)],
        ["tokens", `ready.json in ${system.dataDir}`],
      ],
      { paint, columns: Number.POSITIVE_INFINITY },
    ),
    `In a second terminal: ${paint("bold", `npx driftmend status${option}`)}, or alerts, why <alert>, runs <model>, tail <model>. Ctrl-C stops.`,
  ];
}
