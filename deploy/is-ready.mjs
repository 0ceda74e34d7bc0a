/**
 * The health check of a container: `node is-ready.mjs <port>` ends with 0 when the service on this port says
 * that it is ready, else with 1 and its reason, which `docker inspect` shows.
 */
const port = process.argv[2];
try {
  const response = await fetch(`http://127.0.0.1:${port}/readyz`, {
    signal: AbortSignal.timeout(4_000),
  });
  process.stdout.write(`${await response.text()}\n`);
  process.exitCode = response.ok ? 0 : 1;
} catch (error) {
  process.stdout.write(`nothing answers on port ${port}: ${error.message}\n`);
  process.exitCode = 1;
}
