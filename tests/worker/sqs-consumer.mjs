// SPDX-License-Identifier: GPL-3.0-or-later
// Benchmark contender: sqs-consumer with a batch handler. Arguments: queue URL, number of messages, consumers.
import { SQSClient } from "@aws-sdk/client-sqs";
import { Consumer } from "sqs-consumer";

const [queueUrl, expected, consumers] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const sqs = new SQSClient({ maxAttempts: 3, useQueueUrlAsEndpoint: false, endpoint: process.env.AWS_ENDPOINT_URL });
let handled = 0;
let cpu, began; // from the first message on: a start's cost is no cost a message
const done = new Promise((resolve) => {
  for (let index = 0; index < consumers; index += 1) {
    Consumer.create({
      queueUrl,
      sqs,
      batchSize: 10,
      waitTimeSeconds: 1,
      handleMessageBatch: async (messages) => {
        cpu ??= process.cpuUsage();
        began ??= process.hrtime.bigint();
        handled += messages.length;
        if (handled >= expected) setTimeout(resolve, 50);
        return messages;
      },
    }).start();
  }
});
await done;
const used = process.cpuUsage(cpu);
console.error(JSON.stringify({
  messages: handled,
  seconds: Number(process.hrtime.bigint() - began) / 1e9 - 0.05,
  cpu: (used.user + used.system) / 1e6,
}));
process.exit(0);
