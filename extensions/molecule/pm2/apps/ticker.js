// SPDX-License-Identifier: GPL-3.0-or-later
// Prints a numbered line ten times a second, and has three seconds of a job left when it is told to stop.
"use strict";

const { appendFileSync } = require("node:fs");

let number = 0;
setInterval(() => console.log(`tick ${(number += 1)}`), 100);
process.on("SIGTERM", () => {
  setTimeout(() => {
    appendFileSync("logs/finished", `${process.pid}\n`);
    process.exit(0);
  }, 3000);
});
