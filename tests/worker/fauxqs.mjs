// SPDX-License-Identifier: GPL-3.0-or-later
// Starts fauxqs on loopback only (its own command listens on every address), prints its port, and ends with its parent.
import { buildApp } from "fauxqs";

const app = buildApp({ logger: false });
await app.listen({ port: Number(process.argv[2] ?? 0), host: "127.0.0.1" });
console.log(app.server.address().port);
process.stdin.on("end", () => process.exit(0)).resume();
