// SPDX-License-Identifier: GPL-3.0-or-later
// Takes 200 MB in its first life, and little in the next.
"use strict";

const { existsSync, writeFileSync } = require("node:fs");

const hasGrown = existsSync("logs/has-grown");
writeFileSync("logs/has-grown", "");
const held = Buffer.alloc(hasGrown ? 1 : 200 * 2 ** 20, 1);
setInterval(() => held.length, 1000);
