# SPDX-License-Identifier: GPL-3.0-or-later
"""Stores of idempotency keys: SQLite, PostgreSQL and DynamoDB alike."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import sqlalchemy as sa
import storefront_postgresql
from moto import mock_aws

from sqs_worker import ConfigurationError
from sqs_worker.idempotency import Begun, Store, open_store
from sqs_worker.idempotency.dynamodb import DynamoStore
from sqs_worker.idempotency.sql import SqlStore


@pytest.fixture(scope="module")
def postgresql() -> Iterator[str]:
    with storefront_postgresql.server() as url:
        yield url.replace("postgresql://", "postgresql+psycopg://")


@pytest.fixture(params=["sqlite", "postgresql", "dynamodb"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    if request.param == "sqlite":
        yield open_store(f"sqlite:///{tmp_path}/keys.db", ttl=1000)
    elif request.param == "postgresql":
        yield open_store(request.getfixturevalue("postgresql"), ttl=1000)
    else:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "testing")
        monkeypatch.setenv("AWS_REGION", "ap-southeast-1")
        monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
        with mock_aws():
            client = boto3.client("dynamodb", region_name="ap-southeast-1")
            client.create_table(
                TableName="keys",
                KeySchema=[{"AttributeName": "key", "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": "key", "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )
            yield open_store("dynamodb:keys", ttl=1000)


def test_a_key_is_acquired_once_until_it_is_abandoned(store: Store, request: pytest.FixtureRequest) -> None:
    key = request.node.name
    assert store.begin(key, "one", 60) is Begun.ACQUIRED
    assert store.begin(key, "two", 60) is Begun.BUSY
    assert store.begin(key, "one", 60) is Begun.ACQUIRED, "its owner prolongs the lock"
    store.abandon(key, "two")
    assert store.begin(key, "two", 60) is Begun.BUSY, "only the owner abandons"
    store.abandon(key, "one")
    assert store.begin(key, "two", 60) is Begun.ACQUIRED


def test_a_done_key_stays_done(store: Store, request: pytest.FixtureRequest) -> None:
    key = request.node.name
    store.begin(key, "one", 60)
    store.finish(key, "one")
    assert store.begin(key, "one", 60) is Begun.DONE
    assert store.begin(key, "two", 60) is Begun.DONE
    store.abandon(key, "two")
    assert store.begin(key, "three", 60) is Begun.DONE


def test_an_expired_lock_is_taken_over_and_its_owner_has_lost(store: Store, request: pytest.FixtureRequest) -> None:
    key = request.node.name
    store.begin(key, "dead", -2)
    assert store.begin(key, "next", 60) is Begun.ACQUIRED
    store.finish(key, "dead")
    assert store.begin(key, "third", 60) is Begun.BUSY, "the dead one's late finish has no effect"


@pytest.mark.parametrize("store", ["sqlite", "postgresql"], indirect=True)
def test_of_many_at_once_one_gets_the_key(store: Store, request: pytest.FixtureRequest) -> None:
    key, barrier, outcomes = request.node.name, threading.Barrier(8), list[Begun]()

    def attempt(owner: int) -> None:
        barrier.wait()
        outcomes.append(store.begin(key, str(owner), 60))

    threads = [threading.Thread(target=attempt, args=(owner,)) for owner in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count(Begun.ACQUIRED) == 1
    assert outcomes.count(Begun.BUSY) == 7


def test_once_is_part_of_the_callers_transaction(tmp_path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path}/service.db")
    store = SqlStore(engine)
    store.create_table()
    with engine.begin() as connection:
        assert store.once(connection, "order-1")
        assert not store.once(connection, "order-1")
    with pytest.raises(ZeroDivisionError), engine.begin() as connection:
        assert store.once(connection, "order-2")
        raise ZeroDivisionError
    with engine.begin() as connection:
        assert store.once(connection, "order-2"), "what was rolled back did not happen"


def test_a_store_that_is_not_to_be_had_is_named_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as error:
        open_store("postgresql+psycopg://worker:s3cret@127.0.0.1:9/none", 1000)
    assert "s3cret" not in str(error.value)
    with pytest.raises(ConfigurationError, match="unable to open database file"):
        open_store(f"sqlite:///{tmp_path}/no/such/folder/k.db", 1000)


def test_dynamodb_errors_pass_through() -> None:
    class Denied:
        def put_item(self, **_arguments: Any) -> None:
            raise PermissionError("AccessDenied")

    with pytest.raises(PermissionError):
        DynamoStore("keys", 10, client=Denied()).begin("k", "o", 1)
