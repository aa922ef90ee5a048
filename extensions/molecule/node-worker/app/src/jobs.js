// SPDX-License-Identifier: GPL-3.0-or-later
// What a job of this shop does: it takes its seconds, fails as it is told, and leaves a line behind for each step.
"use strict";

const { appendFileSync } = require("node:fs");
const { setTimeout: sleep } = require("node:timers/promises");

const CODE = "first release";
const tried = new Set();

class FatalError extends Error {}

function note(step, job, attempt) {
  const line = { job: job.id, step, attempt, code: CODE, greeting: process.env.GREETING };
  appendFileSync("data/jobs.jsonl", `${JSON.stringify(line)}\n`);
}

async function run(job, attempt) {
  note("begun", job, attempt);
  if (job.fails === "for good") throw new FatalError("this job can never succeed");
  if (job.fails === "always") throw new Error("the bank does not answer");
  if (job.fails === "once" && !tried.has(job.id)) {
    tried.add(job.id);
    throw new Error("the bank does not answer yet");
  }
  await sleep(1000 * (job.seconds ?? 0));
  note("done", job, attempt);
}

module.exports = { FatalError, run };
