# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deploys of good and of broken releases, and a rollback, while orders flow; afterwards the books must balance.

Prints the figures; the exit status is 1 when one is wrong or a deploy did not end as it should.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import chain, cycle, repeat
from pathlib import Path

from books import DEAD_LETTER_QUEUES, QUEUES, Books, left_in, messages_in
from hosts import Host, Seen, all_hosts, receives_without_handling
from load import Balancer, Orders
from storefront_releases import FAILURES, Failure, release

from checkout import ROOT

SERVICES = ("order", "payment", "notification")
RATE = 3.0  # orders a second
SHORT = ("-e", "deploy_gate_timeout=10")  # what never answers need not be waited for longer


class WrongError(Exception):
    """Something is not as it should be; the text says what."""


class Rolling:
    """The hosts, and what is done to them."""

    def __init__(self, hosts: list[Host], folder: Path) -> None:
        self.hosts = hosts
        self.seconds: list[float] = []
        self.failed = 0
        self.problems: list[str] = []
        self._folder = folder
        self._count = 0

    def attempt(self, what: Callable[..., None], service: str, *arguments: Failure) -> None:
        """Do one of the things below, and note what is wrong; the orders flow on."""
        try:
            what(service, *arguments)
        except (WrongError, RuntimeError, OSError, subprocess.SubprocessError) as error:
            self.problems.append(f"{what.__name__} {service}: {type(error).__name__} {error}")
            self._say(self.problems[-1])

    def deploy(self, service: str) -> None:
        """Deploy a good release: both hosts run it afterwards."""
        version = self._next_version()
        before = self._see(service)
        began = time.monotonic()
        self._run("deploy", service, release(self._folder / version, version), fails=False)
        self.seconds.append(time.monotonic() - began)
        after = self._see(service)
        for host in self._of(service):
            _same(host.name, "version", host.version(), version)
            if before[host].release == after[host].release:
                raise WrongError(f"{host.name} still runs release {after[host].release}")
            if before[host].processes & after[host].processes:
                raise WrongError(f"{host.name} still has processes of the release before")
        self._say(f"deployed {service} {version} in {self.seconds[-1]:.0f} s")

    def fail(self, service: str, failure: Failure) -> None:
        """Deploy a broken release: the canary goes back to what it ran, the other host never notices."""
        source = release(self._folder / self._next_version(), f"1.0.{self._count}")
        failure.breaks(source, service)
        before = self._see(service)
        versions = {host: host.version() for host in self._of(service)}
        shown = self._run("deploy", service, source, fails=True)
        after = self._see(service)
        canary, *others = self._of(service)
        if failure.shown not in shown or canary.name not in shown:
            raise WrongError(f"the deploy does not say {failure.shown!r} of {canary.name}:\n{shown}")
        for host in self._of(service):
            _same(host.name, "release", after[host].release, before[host].release)
            _same(host.name, "version", host.version(), versions[host])
        for host in self._of(service) if failure.before_any_change else others:
            _same(host.name, "processes", after[host].processes, before[host].processes)
        self.failed += 1
        self._say(f"failed as it should, {service}: {failure.name}")

    def deploy_and_roll_back(self, service: str) -> None:
        """Deploy a good release, and go back to the one before by hand."""
        wanted = {host: host.version() for host in self._of(service)}
        self.deploy(service)
        self._run("rollback", service, None, fails=False)
        self._see(service)
        for host in self._of(service):
            _same(host.name, "version", host.version(), wanted[host])
        self._say(f"rolled {service} back by hand")

    def _of(self, service: str) -> list[Host]:
        return [host for host in self.hosts if host.service == service]

    def _see(self, service: str) -> dict[Host, Seen]:
        seen = {host: host.see() for host in self._of(service)}
        for host, what in seen.items():
            if what.locked:
                raise WrongError(f"{host.name} is still locked")
        return seen

    def _next_version(self) -> str:
        self._count += 1
        return f"1.0.{self._count}"

    def _run(self, playbook: str, service: str, source: Path | None, *, fails: bool) -> str:
        command = ["ansible-playbook", f"{ROOT}/playbooks/{playbook}.yml", "-i", os.environ["MOLECULE_INVENTORY_FILE"]]
        command += ["-e", f"services={service}", *(SHORT if fails else ())]
        command += ["-e", f"storefront_source={source}"] if source else []
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, cwd=ROOT, timeout=3600
        )
        output = done.stdout + done.stderr
        if (done.returncode != 0) != fails:
            raise WrongError(f"{playbook} of {service} ended with {done.returncode}:\n{output}")
        return output

    @staticmethod
    def _say(what: str) -> None:
        print(f"rolling: {time.strftime('%X')} {what}", flush=True)


def _same(host: str, what: str, found: object, wanted: object) -> None:
    if found != wanted:
        raise WrongError(f"{host}: {what} is {found} and should be {wanted}")


def steps(deploys: int, failures: int) -> Iterator[Failure | None]:
    """Failures spread evenly among good deploys, which are None."""
    done = 0
    for number in range(1, deploys + failures + 1):
        if done < number * failures // (deploys + failures):
            yield FAILURES[done % len(FAILURES)]
            done += 1
        else:
            yield None


def run(rolling: Rolling, deploys: int, failures: int, limit: float) -> None:
    """All deploys, each of the next service in turn; after ``limit`` seconds none begins. The first is rolled back."""
    services = cycle(SERVICES)
    began = time.monotonic()
    good = chain([rolling.deploy_and_roll_back], repeat(rolling.deploy))
    for failure in steps(deploys, failures):
        if time.monotonic() - began > limit:
            break
        if failure:
            rolling.attempt(rolling.fail, next(services), failure)
        else:
            rolling.attempt(next(good), next(services))


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deploys", type=int, default=1)
    parser.add_argument("--failures", type=int, default=1)
    parser.add_argument("--limit", type=float, default=7200, help="seconds after which no further deploy begins")
    options = parser.parse_args()
    directory = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"])
    hosts = all_hosts()
    balancer = Balancer([host.http_address for host in hosts if host.service == "order"])
    folder = directory / "releases"
    shutil.rmtree(folder, ignore_errors=True)
    rolling, books = Rolling(hosts, folder), Books(directory / "shared")
    books.look()
    earlier = books.orders
    with Orders(balancer, RATE) as orders:
        run(rolling, options.deploys, options.failures, options.limit)
    books.await_all(orders.placed)
    lost = books.lost(orders.placed)
    figures = {
        "deploys": len(rolling.seconds),
        "forced failures, rolled back": rolling.failed,
        "orders": len(orders.placed),
        "paid exactly once": sum(1 for order in orders.placed if books.payments[order] == 1 and order in books.paid),
        "paid twice": sum(count > 1 for count in books.payments.values()),
        "lost": len(lost),
        "orders made twice": books.orders - earlier - len(orders.placed),
        "mailed exactly once": sum(1 for order in orders.placed if books.mails[order] == 1),
        "mailed twice": sum(count > 1 for count in books.mails.values()),
        "messages left in the queues": left_in(QUEUES),
        "messages in the dead-letter queues": messages_in(DEAD_LETTER_QUEUES),
        "receives that came to nothing": receives_without_handling(hosts),
        "requests to the order service": balancer.requests,
        "requests answered by the other host": balancer.passed_over,
        "requests that no host answered": len(balancer.unanswered),
    }
    for figure, value in figures.items():
        print(f"rolling: {figure}: {value}")
    if rolling.seconds:
        print(
            f"rolling: seconds a deploy: {statistics.median(rolling.seconds):.0f} (median), "
            f"{max(rolling.seconds):.0f} (longest), {os.cpu_count()} cores"
        )
    for trouble in [*balancer.unanswered[:20], *orders.failures[:20], *sorted(lost)[:20]]:
        print(f"rolling: {trouble}")
    for problem in rolling.problems:
        print(f"rolling: {problem}")
    done = (figures.pop("deploys"), figures.pop("forced failures, rolled back"))
    orders_placed = figures.pop("orders")
    balanced = (
        done == (options.deploys, options.failures)
        and orders_placed > 0
        and figures.pop("paid exactly once") == figures.pop("mailed exactly once") == orders_placed
        and figures.pop("requests to the order service") >= orders_placed
        and figures.pop("requests answered by the other host") >= 0
        and not any(figures.values())
    )
    print(f"rolling: {'every order paid once, none lost' if balanced else 'THE BOOKS DO NOT BALANCE'}")
    return 0 if balanced and not rolling.problems and not orders.failures else 1


if __name__ == "__main__":
    sys.exit(main())
