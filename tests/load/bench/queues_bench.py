# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""Provisioning side by side on one endpoint: this collection, a loop over community.aws.sqs_queue, AWS CLI, boto3.

usage: python tests/load/bench/queues_bench.py [--sizes 4,40,400] [--loop-up-to 400] [--cli-up-to 40]

Everything runs here and now against one moto server, emptied before each contender. Prints tables, then one line a
figure, ``bench NAME VALUE``; ratios above 1 mean that this collection is faster. No contender waits until what it
wrote can be read back, as this collection does by default: the ratios are those of ``wait: false``, which does the
same work; the tables show both.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shlex
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from checkout import ROOT

REGION = "ap-southeast-1"
ACCOUNT = "123456789012"
AWSCLI = "awscli==1.46.3"
LATENCY = 0.05
READS = {"GetCallerIdentity", "GetQueueAttributes", "GetQueueUrl", "ListQueueTags", "ListQueues"}
START_SECONDS = 30
ROUNDS = 3
LONGEST_REPEAT = 40
"""Queues beyond which a contender that takes a second a queue is not run a second time."""

BOTO3 = """
import sys
from concurrent.futures import ThreadPoolExecutor
import boto3
from botocore.config import Config

count, created = int(sys.argv[1]), sys.argv[2] == "create"
sqs = boto3.client("sqs", config=Config(max_pool_connections=8))
pool = ThreadPoolExecutor(8)
common = {"VisibilityTimeout": "300", "ReceiveMessageWaitTimeSeconds": "20"}
redrive = '{"deadLetterTargetArn":"arn:aws:sqs:ap-southeast-1:123456789012:bench-dlq","maxReceiveCount":3}'
if created:
    sqs.list_queues(QueueNamePrefix="bench-")
    sqs.create_queue(QueueName="bench-dlq", Attributes={**common, "MessageRetentionPeriod": "1209600"})
    names = [f"bench-{index:03}" for index in range(count - 1)]
    source = {**common, "RedrivePolicy": redrive}
    list(pool.map(lambda name: sqs.create_queue(QueueName=name, Attributes=source), names))
else:
    urls = sqs.list_queues(QueueNamePrefix="bench-", MaxResults=1000)["QueueUrls"]
    assert len(urls) == count
    attributes = pool.map(lambda url: sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"]), urls)
    tags = pool.map(lambda url: sqs.list_queue_tags(QueueUrl=url), urls)
    list(attributes), list(tags)
"""


@dataclass(frozen=True)
class Run:
    """One measured command: seconds, and the largest resident set of it and its children in MiB."""

    seconds: float
    memory: float


class Bench:
    """Commands run against one endpoint, in a folder of their own."""

    def __init__(self, folder: Path, moto: str) -> None:
        self.folder, self.moto = folder, moto
        self.endpoint = moto

    def environment(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "ANSIBLE_"))}
        return {
            **kept,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_PAGER": "",
            "NO_PROXY": "127.0.0.1",
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        }

    def reset(self) -> None:
        urllib.request.urlopen(urllib.request.Request(f"{self.moto}/moto-api/reset", method="POST")).close()  # noqa: S310

    def run(self, command: list[str]) -> Run:
        """Run a command to its end; it must succeed."""
        with tempfile.TemporaryFile() as output:
            began = time.monotonic()
            process = subprocess.Popen(command, cwd=ROOT, env=self.environment(), stdout=output, stderr=output)
            _pid, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            seconds = time.monotonic() - began
            if process.returncode:
                output.seek(0)
                sys.exit(f"{shlex.join(command)} failed:\n{output.read().decode()[-4000:]}")
        return Run(seconds, usage.ru_maxrss / 1024)

    def play(self, tasks: list[dict[str, Any]]) -> list[str]:
        """Return the command of a playbook with these tasks."""
        path = self.folder / f"play-{len(list(self.folder.iterdir()))}.yml"
        play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks}
        path.write_text(yaml.safe_dump([play]), encoding="utf-8")
        python = f"ansible_python_interpreter={sys.executable}"
        return ["ansible-playbook", "-i", "localhost,", "-e", python, str(path)]

    def module_calls(self, arguments: dict[str, Any]) -> dict[str, int]:
        """Return the API calls that the module queues makes, by operation."""
        command = ["ansible", "localhost", "-o", "-m", "ecommerce.sqs.queues", "-a", json.dumps(arguments)]
        done = subprocess.run(command, cwd=ROOT, env=self.environment(), capture_output=True, text=True, check=True)
        result = json.loads(done.stdout[done.stdout.index("{") :])
        calls: dict[str, int] = result["api_calls"]
        return calls


def specifications(count: int) -> list[dict[str, Any]]:
    """Return ``count`` queues: a dead-letter queue and its sources."""
    common = {"visibility_timeout": 300, "receive_message_wait_time_seconds": 20}
    redrive = {"dead_letter_queue": "bench-dlq", "max_receive_count": 3}
    sources = [{"name": f"bench-{index:03}", **common, "redrive_policy": redrive} for index in range(count - 1)]
    return [{"name": "bench-dlq", **common, "message_retention_period": 1209600}, *sources]


def ours(bench: Bench, count: int, *, wait: bool) -> list[str]:
    return bench.play([{"ecommerce.sqs.queues": {"queues": specifications(count), "wait": wait}}])


def loop(bench: Bench, count: int) -> list[str]:
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:bench-dlq"
    common = {"default_visibility_timeout": 300, "receive_message_wait_time": 20}
    redrive = {"maxReceiveCount": 3, "deadLetterTargetArn": arn}
    return bench.play(
        [
            {"community.aws.sqs_queue": {"name": "bench-dlq", "message_retention_period": 1209600, **common}},
            {
                "community.aws.sqs_queue": {"name": "{{ item }}", "redrive_policy": redrive, **common},
                "loop": [f"bench-{index:03}" for index in range(count - 1)],
            },
        ]
    )


def cli(bench: Bench, count: int) -> list[str]:
    """A script as the seed's: two calls a queue, a process each."""
    lines = ["set -e"]
    for queue in specifications(count):
        attributes = {"VisibilityTimeout": "300", "ReceiveMessageWaitTimeSeconds": "20"}
        if "redrive_policy" in queue:
            target = f"arn:aws:sqs:{REGION}:{ACCOUNT}:bench-dlq"
            attributes["RedrivePolicy"] = json.dumps({"deadLetterTargetArn": target, "maxReceiveCount": "3"})
        else:
            attributes["MessageRetentionPeriod"] = "1209600"
        create = f"aws sqs create-queue --queue-name {queue['name']} --attributes {shlex.quote(json.dumps(attributes))}"
        lines += [
            f"url=$({create} --query QueueUrl --output text)",
            'aws sqs get-queue-attributes --queue-url "$url" --attribute-names QueueArn --query Attributes.QueueArn',
        ]
    return script(bench, f"cli-{count}", lines)


def cli_site(bench: Bench) -> list[str]:
    """The seed's scripts run again where everything exists: queues, role, policy, profile a service, alarm a queue."""
    names = ["dlq", "dlq.fifo", "order-queue", "payment-queue.fifo", "notification-queue"]
    lines = []
    for name in names:
        fifo = " --attributes FifoQueue=true" if name.endswith(".fifo") else ""
        lines += [
            f"aws sqs create-queue --queue-name cli-{name}{fifo} || true",
            f"aws sqs get-queue-attributes --queue-url {bench.moto}/{ACCOUNT}/cli-{name} --attribute-names All",
            f"aws cloudwatch put-metric-alarm --alarm-name cli-{name.replace('.', '-')} --namespace AWS/SQS "
            "--metric-name ApproximateNumberOfMessagesVisible --statistic Average --period 300 --threshold 100 "
            "--comparison-operator GreaterThanThreshold --evaluation-periods 2 "
            f"--dimensions Name=QueueName,Value={name}",
        ]
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    for service in ("order", "payment", "notification"):
        lines += [
            f"aws iam create-policy --policy-name cli-{service} --policy-document {shlex.quote(trust)} || true",
            f"aws iam create-role --role-name cli-{service} --assume-role-policy-document {shlex.quote(trust)} || true",
            f"aws iam attach-role-policy --role-name cli-{service} "
            f"--policy-arn arn:aws:iam::{ACCOUNT}:policy/cli-{service} || true",
            f"aws iam create-instance-profile --instance-profile-name cli-{service} || true",
            f"aws iam add-role-to-instance-profile --instance-profile-name cli-{service} --role-name cli-{service}"
            " || true",
        ]
    return script(bench, "cli-site", lines)


def script(bench: Bench, name: str, lines: list[str]) -> list[str]:
    path = bench.folder / f"{name}.sh"
    # For SQS the AWS CLI ignores the variable and takes the option only.
    command = f'aws() {{ {aws_cli()}/aws --endpoint-url "$AWS_ENDPOINT_URL" "$@"; }}'
    path.write_text("\n".join([command, *lines, ""]), encoding="utf-8")
    return ["bash", str(path)]


def aws_cli() -> Path:
    """Return the folder of an AWS CLI in an environment of its own, for it wants another botocore than ours."""
    home = ROOT / "build" / "bench" / AWSCLI.replace("==", "-")
    if not (home / "bin" / "aws").exists():
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
        subprocess.run([home / "bin" / "pip", "install", "--quiet", AWSCLI], check=True, stderr=subprocess.DEVNULL)
    return home / "bin"


def boto3(bench: Bench, count: int, action: str) -> list[str]:
    path = bench.folder / "floor.py"
    path.write_text(BOTO3, encoding="utf-8")
    return [sys.executable, str(path), str(count), action]


@contextmanager
def moto_server() -> Iterator[str]:
    """A moto server of this run's own; yields its URL."""
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + START_SECONDS
        while True:
            with closing(socket.socket()) as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            if server.poll() is not None or time.monotonic() > deadline:
                sys.exit("moto's server did not start")
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(timeout=10)


@contextmanager
def far_away(url: str) -> Iterator[str]:
    """A proxy on 127.0.0.1 that holds back the answer to each request by ``LATENCY`` seconds; yields its URL."""
    loop_ = asyncio.new_event_loop()
    host, port = url.removeprefix("http://").split(":")

    async def carry(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: asyncio.Event, late: bool
    ) -> None:
        try:
            while data := await reader.read(65536):
                if late and asked.is_set():
                    asked.clear()
                    await asyncio.sleep(LATENCY)
                elif not late:
                    asked.set()
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(host, int(port))
        asked = asyncio.Event()
        await asyncio.gather(carry(reader, back, asked, False), carry(there, writer, asked, True))

    server = loop_.run_until_complete(asyncio.start_server(serve, "127.0.0.1", 0))
    thread = threading.Thread(target=loop_.run_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        loop_.call_soon_threadsafe(loop_.stop)
        thread.join()


def table(title: str, columns: list[str], rows: list[tuple[str, list[str]]]) -> None:
    print(f"\n{title}")
    width = max(len(name) for name, _cells in rows)
    print(" " * width + "".join(f"{column:>20}" for column in columns))
    for name, cells in rows:
        print(f"{name:<{width}}" + "".join(f"{cell:>20}" for cell in cells))
    sys.stdout.flush()


Contender = Callable[[int, str], list[str]]


def measure(
    bench: Bench, contenders: dict[str, tuple[Contender, int]], sizes: list[int]
) -> dict[tuple[str, int, str], Run]:
    """Run each contender on an empty endpoint and again with nothing left to do; of quick ones the median counts."""
    found = {}
    for count in sizes:
        for name, (command, largest) in contenders.items():
            if count > largest:
                continue
            slow = name.startswith(("loop", "AWS CLI"))
            actions = ("create",) if slow and count > LONGEST_REPEAT else ("create", "repeat")
            runs: dict[str, list[Run]] = {action: [] for action in actions}
            for _round in range(1 if slow else ROUNDS):
                bench.reset()
                for action in actions:
                    runs[action].append(bench.run(command(count, action)))
            for action in actions:
                run = found[name, count, action] = sorted(runs[action], key=lambda run: run.seconds)[
                    len(runs[action]) // 2
                ]
                print(f"{name}, N = {count}, {action}: {run.seconds:.1f} s", file=sys.stderr, flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="4,40,400", type=lambda text: [int(item) for item in text.split(",")])
    parser.add_argument("--loop-up-to", default=400, type=int, help="largest size for the loop, about 1 s a queue")
    parser.add_argument("--cli-up-to", default=40, type=int, help="largest size for AWS CLI, about 1.6 s a queue")
    chosen = parser.parse_args()
    (ROOT / "build").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=ROOT / "build") as folder, moto_server() as url:
        compare(Bench(Path(folder), url), chosen.sizes, chosen.loop_up_to, chosen.cli_up_to)


def compare(bench: Bench, sizes: list[int], loop_up_to: int, cli_up_to: int) -> None:
    contenders: dict[str, tuple[Contender, int]] = {
        "ecommerce.sqs.queues": (lambda count, _action: ours(bench, count, wait=True), 10**6),
        "... wait: false": (lambda count, _action: ours(bench, count, wait=False), 10**6),
        "loop of community.aws.sqs_queue": (lambda count, _action: loop(bench, count), loop_up_to),
        "AWS CLI, two calls a queue": (lambda count, _action: cli(bench, count), cli_up_to),
        "bare boto3, 8 threads": (lambda count, action: boto3(bench, count, action), 10**6),
    }
    fixed = sorted(bench.run(bench.play([{"amazon.aws.aws_caller_info": {}}])).seconds for _round in range(ROUNDS))[
        ROUNDS // 2
    ]
    found = measure(bench, contenders, sizes)
    for action, title in (("create", "Create N queues, seconds"), ("repeat", "Again, nothing to do, seconds")):
        rows = [
            (name, [f"{found[name, n, action].seconds:.1f}" if (name, n, action) in found else "-" for n in sizes])
            for name in contenders
        ]
        table(title, [f"N = {count}" for count in sizes], rows)
    print(f"\nfixed cost of a playbook with one AWS task: {fixed:.1f} s")
    memory = [f"{found['ecommerce.sqs.queues', count, 'create'].memory:.0f}" for count in sizes]
    table("Memory of the largest process, MiB", [f"N = {count}" for count in sizes], [("ecommerce.sqs.queues", memory)])

    figures: dict[str, float] = {}
    for count in sizes:
        own = found["... wait: false", count, "create"].seconds
        loop_run = found.get(("loop of community.aws.sqs_queue", count, "create"))
        if loop_run:
            figures[f"queues-{count}-vs-loop"] = loop_run.seconds / own
        floor = found["bare boto3, 8 threads", count, "create"].seconds + fixed
        figures[f"queues-{count}-vs-boto3"] = floor / own
    figures.update(count_calls(bench, 40))
    figures.update(with_latency(bench, 40))
    figures.update(site(bench))
    print()
    for name, value in figures.items():
        print(f"bench {name} {value:.2f}")


def count_calls(bench: Bench, count: int) -> dict[str, float]:
    bench.reset()
    arguments = {"queues": specifications(count)}
    created, repeated = bench.module_calls(arguments), bench.module_calls(arguments)
    operations = sorted({*created, *repeated})
    rows = [
        (name, [str(calls.get(operation, 0)) for operation in operations])
        for name, calls in (("create", created), ("repeat", repeated))
    ]
    table(f"API calls of ecommerce.sqs.queues, N = {count}", operations, rows)
    writes = sum(number for operation, number in repeated.items() if operation not in READS)
    return {
        "queues-create-calls-per-queue": sum(created.values()) / count,
        "queues-repeat-reads-per-queue": (sum(repeated.values()) - writes) / count,
        "queues-repeat-writes": float(writes),
    }


def with_latency(bench: Bench, count: int) -> dict[str, float]:
    with far_away(bench.moto) as url:
        bench.endpoint = url
        bench.reset()
        runs = []
        for _round in range(ROUNDS):
            bench.reset()
            runs.append(bench.run(ours(bench, count, wait=False)).seconds)
        own = sorted(runs)[ROUNDS // 2]
        bench.reset()
        other = bench.run(loop(bench, count)).seconds
    bench.endpoint = bench.moto
    table(
        f"Create, with {LATENCY * 1000:.0f} ms added to every call, seconds",
        [f"N = {count}"],
        [("ecommerce.sqs.queues, wait: false", [f"{own:.1f}"]), ("loop of community.aws.sqs_queue", [f"{other:.1f}"])],
    )
    return {f"queues-{count}-vs-loop-50ms": other / own}


def site(bench: Bench) -> dict[str, float]:
    """The provisioning half of the site with nothing to do, against the seed's calls by AWS CLI with nothing to do."""
    bench.reset()
    inventory = bench.folder / "site.yml"
    inventory.write_text(yaml.safe_dump(site_inventory(bench)), encoding="utf-8")
    books = [str(ROOT / "playbooks" / f"{name}.yml") for name in ("queues", "iam", "alarms")]
    command = ["ansible-playbook", "-i", str(inventory), *books]
    bench.run(command)
    own = sorted(bench.run(command).seconds for _round in range(ROUNDS))[ROUNDS // 2]
    bench.run(cli_site(bench))
    other = bench.run(cli_site(bench)).seconds
    table(
        "Queues, IAM and alarms of the platform, nothing to do, seconds",
        ["repeat"],
        [
            ("site.yml, its provisioning half", [f"{own:.1f}"]),
            ("AWS CLI, 30 calls as in the scripts", [f"{other:.1f}"]),
        ],
    )
    return {"site-repeat-vs-cli": other / own}


def site_inventory(bench: Bench) -> dict[str, Any]:
    variables = yaml.safe_load((ROOT / "inventories/prod/group_vars/all/topology.yml").read_text(encoding="utf-8"))
    return {
        "all": {
            "hosts": {"localhost": {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}},
            "vars": {
                **variables,
                "sqs_aws_environment": {"AWS_ENDPOINT_URL": bench.moto},
                "artifact_directory": str(bench.folder / "artifacts"),
            },
        }
    }


if __name__ == "__main__":
    main()
