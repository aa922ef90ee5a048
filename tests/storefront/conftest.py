# SPDX-License-Identifier: GPL-3.0-or-later
"""What the storefront's tests share: both databases, an embedded AWS, and real processes."""

from __future__ import annotations

import json
import logging
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import storefront_postgresql as postgresql
from moto.server import ThreadedMotoServer
from storefront_support import REGION, Aws

logging.getLogger("werkzeug").setLevel(logging.WARNING)


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """The URL of a PostgreSQL server's maintenance database."""
    given = os.environ.get("STOREFRONT_TEST_POSTGRESQL_URL")
    if given:
        yield given
        return
    try:
        postgresql.find_binaries()
    except postgresql.ServerMissingError as error:
        if os.environ.get("CI"):
            pytest.fail(str(error))
        pytest.skip(str(error))
    with postgresql.server() as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database, once of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/data/test.sqlite3"
        return
    server = request.getfixturevalue("postgresql_url")
    name = f"storefront_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield urlsplit(server)._replace(path=f"/{name}").geturl()
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """An empty SQLite database, for tests that are not about databases."""
    return f"sqlite:///{tmp_path}/data/test.sqlite3"


@pytest.fixture(scope="session")
def moto_endpoint() -> Iterator[str]:
    """The URL of a moto server on a free loopback port."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def aws(moto_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Aws:
    """Fresh queues, and an environment in which botocore finds them."""
    environment = {
        "AWS_ENDPOINT_URL": moto_endpoint,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    for key, value in environment.items():
        monkeypatch.setenv(key, value)
    prefix = f"t{uuid.uuid4().hex}"
    queues: dict[str, str] = {}
    aws = Aws(moto_endpoint, prefix, queues)
    sqs = aws.client("sqs")
    for dead_letter_queue, sources in {
        f"{prefix}-dlq": {key: f"{prefix}-{key}-queue" for key in ("order", "notification", "inventory")},
        f"{prefix}-dlq.fifo": {"payment": f"{prefix}-payment-queue.fifo"},
    }.items():
        fifo = {"FifoQueue": "true"} if dead_letter_queue.endswith(".fifo") else {}
        queues["dlq-fifo" if fifo else "dlq"] = url = sqs.create_queue(QueueName=dead_letter_queue, Attributes=fifo)[
            "QueueUrl"
        ]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        redrive = {"RedrivePolicy": json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 3})}
        for key, name in sources.items():
            queues[key] = sqs.create_queue(QueueName=name, Attributes=fifo | redrive)["QueueUrl"]
    return aws
