// SPDX-License-Identifier: GPL-3.0-or-later
// The team's service. Beside its own routes it takes jobs at POST /jobs, one a message of its queue.
"use strict";

require("dotenv").config({ quiet: true });
const { createServer } = require("node:http");
const { FatalError, run } = require("./jobs");

async function job(request, response) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  try {
    await run(JSON.parse(Buffer.concat(chunks)), Number(request.headers["x-aws-sqsd-receive-count"]));
    response.writeHead(200).end();
  } catch (error) {
    response.writeHead(error instanceof FatalError ? 422 : 500).end(error.message);
  }
}

const server = createServer((request, response) => {
  if (request.method === "POST" && request.url === "/jobs") return job(request, response);
  return response.writeHead(request.url === "/healthz" ? 200 : 404).end();
});
process.on("SIGTERM", () => server.close(() => process.exit(0)));
server.listen(Number(process.env.PORT), process.env.HOST);
