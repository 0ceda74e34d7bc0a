/** A model server that answers after one millisecond, as a process of its own. */
import { createServer } from "node:http";

const ANSWER = JSON.stringify({
  ...{ model_name: "m", model_version: "1" },
  outputs: [{ name: "y", shape: [1], datatype: "FP32", data: [0.5] }],
});
const server = createServer((request, response) => {
  request.resume().on("end", () => {
    setTimeout(() => {
      response.setHeader("content-type", "application/json");
      response.end(ANSWER);
    }, 1);
  });
});
server.listen(0, "127.0.0.1", () => process.send?.(server.address()));
