// SPDX-License-Identifier: GPL-3.0-or-later
// Starts fauxqs on loopback only (its own command listens on every address), prints its port, and ends with its parent.
// GET /_calls answers how often each operation was called; the second argument adds milliseconds to each call.
import { setTimeout as sleep } from "node:timers/promises";
import { buildApp } from "fauxqs";

const delay = Number(process.argv[3] ?? 0);
const calls = {};
const app = buildApp({ logger: false });
app.addHook("onRequest", async (request) => {
  const operation = request.headers["x-amz-target"]?.split(".")[1];
  if (operation) {
    calls[operation] = (calls[operation] ?? 0) + 1;
    if (delay) await sleep(delay);
  }
});
app.get("/_calls", async () => calls);
await app.listen({ port: Number(process.argv[2] ?? 0), host: "127.0.0.1" });
console.log(app.server.address().port);
process.stdin.on("end", () => process.exit(0)).resume();
