import { describe, expect, it } from "vitest";
import { signWebhook } from "../../../analyzer/channels/sign-webhook.ts";

describe("the signature of a webhook", () => {
  // The example of the Standard Webhooks specification's reference libraries.
  it("is that of Standard Webhooks", () => {
    const signature = signWebhook(
      "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
      "msg_p5jXN8AQM9LWM0D4loKWxJek",
      1_614_265_330,
      '{"test": 2432232314}',
    );
    expect(signature).toBe("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
  });
});
