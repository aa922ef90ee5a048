// SPDX-License-Identifier: GPL-3.0-or-later
// The team's own worker: node src/workers/queueWorker.js KEY, where KEY names the queue's URL in .env.
"use strict";

require("dotenv").config({ quiet: true });
const { SQSClient } = require("@aws-sdk/client-sqs");
const { Consumer } = require("sqs-consumer");
const { run } = require("../jobs");

const consumer = Consumer.create({
  queueUrl: process.env[process.argv[2]],
  sqs: new SQSClient({}),
  waitTimeSeconds: 2,
  messageSystemAttributeNames: ["ApproximateReceiveCount"],
  // A failed message comes again at once.
  terminateVisibilityTimeout: true,
  // At a stop, the message in hand is finished first.
  pollingCompleteWaitTimeMs: 30000,
  handleMessage: async (message) => {
    await run(JSON.parse(message.Body), Number(message.Attributes.ApproximateReceiveCount));
    return message;
  },
});

consumer.on("error", (error) => console.error(error.message));
consumer.on("processing_error", (error) => console.error(error.message));
consumer.on("stopped", () => process.exit(0));
process.on("SIGTERM", () => consumer.stop());
consumer.start();
console.log(`polling ${process.env[process.argv[2]]}`);
