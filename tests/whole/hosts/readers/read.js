// SPDX-License-Identifier: GPL-3.0-or-later
// Prints what Node's dotenv reads from the file named by the first argument, as JSON.
const { readFileSync } = require("node:fs");
const { parse } = require("dotenv");

process.stdout.write(JSON.stringify(parse(readFileSync(process.argv[2]))));
