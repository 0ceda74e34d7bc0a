import { expect, it } from "vitest";
import { serviceSpecs } from "../../../cli/up/service-specs.ts";
import type { SettingsByService } from "../../../cli/up/settings-file.ts";

const agentSettings = (settings: SettingsByService): Readonly<Record<string, string>> | undefined =>
  serviceSpecs({
    dataDir: "/data",
    credentials: {
      clickhousePassword: "a",
      clickhouseReadPassword: "b",
      natsPassword: "c",
      token: "d",
      readToken: "e",
    },
    clickhousePort: 1,
    otlpHttpPort: 2,
    otlpGrpcPort: 3,
    natsUrl: "nats://127.0.0.1:4",
    clickhouseUrl: "http://127.0.0.1:1",
    settings,
  }).find(({ name }) => name === "agent")?.env;

it("the agent opens OTLP/gRPC where ready.json says, whatever a file of settings asked for", () => {
  expect(agentSettings({})).toMatchObject({ DRIFTMEND_OTLP_GRPC_PORT: "3" });
  // A file that asks for any free port: the one that was chosen.
  expect(agentSettings({ agent: { DRIFTMEND_OTLP_GRPC_PORT: "0" } })).toMatchObject({
    DRIFTMEND_OTLP_GRPC_PORT: "3",
  });
  expect(agentSettings({ agent: { DRIFTMEND_OTLP_GRPC_PORT: "off" } })).toMatchObject({
    DRIFTMEND_OTLP_GRPC_PORT: "off",
  });
});

it("other settings of a file stand over what up gives a service", () => {
  expect(agentSettings({ agent: { DRIFTMEND_SPOOL_DIR: "/spool" } })).toMatchObject({
    DRIFTMEND_SPOOL_DIR: "/spool",
  });
});
