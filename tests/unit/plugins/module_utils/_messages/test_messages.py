# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages: what is refused before the first call, how they are sent, and how a queue is looked into."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.ecommerce.sqs.plugins.module_utils._messages.api import SEND_ATTEMPTS, MessageApi
from ansible_collections.ecommerce.sqs.plugins.module_utils._messages.borrowing import look, remove, send_all
from ansible_collections.ecommerce.sqs.plugins.module_utils._messages.module import (
    OneQueue,
    purge_when_possible,
    read_removal,
)
from ansible_collections.ecommerce.sqs.plugins.module_utils._messages.outgoing import (
    MESSAGE_BYTES,
    batches,
    check_deduplication,
    check_sizes,
    read_messages,
    size_of,
)
from ansible_collections.ecommerce.sqs.plugins.module_utils._messages.received import (
    MessageEdit,
    MessageFilter,
    read_edit,
    read_filter,
    resend_entry,
    show_message,
)
from ansible_collections.ecommerce.sqs.plugins.module_utils._problems import InvalidInputError, Problems
from ansible_collections.ecommerce.sqs.plugins.module_utils._queues.api import AwsCallError, QueueApi
from ansible_collections.ecommerce.sqs.tests.unit.support import engines
from ansible_collections.ecommerce.sqs.tests.unit.support.strict_messages import StrictMessages


@pytest.fixture
def service() -> StrictMessages:
    service = StrictMessages()
    engines.apply_queues(service, [{"name": "orders"}, {"name": "ledger.fifo"}])
    service.forget_calls()
    return service


def api(service: StrictMessages) -> MessageApi:
    return MessageApi(service.client(), sleep=service.sleep)


def errors_of(messages: list[Any], *, fifo: bool = False) -> list[str]:
    with pytest.raises(InvalidInputError) as caught:
        read_messages(messages, "messages", fifo=fifo)
    return caught.value.errors


@pytest.mark.parametrize(
    ("message", "fifo", "error"),
    [
        ({}, False, "messages[0].body: is missing"),
        ({"body": ""}, False, "messages[0].body: is empty; a message needs a body"),
        (
            {"body": "a\x00b"},
            False,
            "messages[0].body: holds the character U+0000 at 1, which SQS refuses",
        ),
        ({"body": "a"}, True, "messages[0].group_id: is missing; every message of a FIFO queue belongs to a group"),
        ({"body": "a", "deduplication_id": "d"}, False, "messages[0].deduplication_id: only a FIFO queue takes it"),
        ({"body": "a", "delay_seconds": 901}, False, "messages[0].delay_seconds: 901 is above 900 seconds"),
        (
            {"body": "a", "group_id": "g", "delay_seconds": 1},
            True,
            "messages[0].delay_seconds: a FIFO queue delays all messages or none; set delay_seconds of the queue",
        ),
        (
            {"body": "a", "attributes": {"AWS.x": "y"}},
            False,
            "messages[0].attributes.AWS.x: names that begin with AWS. or Amazon. are reserved",
        ),
        (
            {"body": "a", "attributes": {"x": ""}},
            False,
            "messages[0].attributes.x: '' is not a value; an attribute cannot be empty",
        ),
        (
            {"body": "a", "attributes": {"x": {"type": "Number", "value": "many"}}},
            False,
            "messages[0].attributes.x: 'many' is not a number",
        ),
        (
            {"body": "a", "attributes": {"x": {"type": "Binary", "value": "?"}}},
            False,
            "messages[0].attributes.x: '?' is not Base64",
        ),
        (
            {"body": "a", "attributes": {f"a{index}": "x" for index in range(11)}},
            False,
            "messages[0].attributes: 11 attributes is above 10",
        ),
        (
            {"body": "x" * (MESSAGE_BYTES + 1)},
            False,
            f"messages[0].body: the message has {MESSAGE_BYTES + 1} bytes, above {MESSAGE_BYTES}",
        ),
    ],
)
def test_a_bad_message_is_refused(message: dict[str, Any], fifo: bool, error: str) -> None:
    assert errors_of([message], fifo=fifo) == [error]


def test_all_bad_messages_are_reported_at_once() -> None:
    assert len(errors_of([{"body": ""}, {"body": "good"}, {"body": "x", "delay_seconds": -1}])) == 2


def test_data_is_sent_as_json() -> None:
    (entry,) = read_messages([{"body": {"order": 1, "name": "é"}}], "messages", fifo=False)
    assert entry["MessageBody"] == '{"order":1,"name":"é"}'


def test_attributes_keep_their_types() -> None:
    given_attributes = {
        "a": "x",
        "n": 3,
        "b": {"type": "Binary", "value": "AAE="},
        "c": {"type": "Number.cents", "value": 5},
    }
    (entry,) = read_messages([{"body": "x", "attributes": given_attributes}], "", fifo=False)
    assert entry["MessageAttributes"] == {
        "a": {"DataType": "String", "StringValue": "x"},
        "n": {"DataType": "Number", "StringValue": "3"},
        "b": {"DataType": "Binary", "BinaryValue": b"\x00\x01"},
        "c": {"DataType": "Number.cents", "StringValue": "5"},
    }


def test_deduplication_and_size_depend_on_the_queue() -> None:
    entries = read_messages([{"body": "x" * 2000, "group_id": "g"}], "messages", fifo=True)
    with pytest.raises(InvalidInputError, match=r"messages\[0\]\.deduplication_id: is missing"):
        check_deduplication(entries, "messages")
    with pytest.raises(InvalidInputError, match="2000 bytes, above the 1024 of the queue"):
        check_sizes(entries, 1024, "messages")


@given(st.lists(st.integers(1, MESSAGE_BYTES).map(lambda size: {"MessageBody": "x" * size}), max_size=25))
@settings(max_examples=50, deadline=None)
def test_batches_keep_order_and_limits(entries: list[dict[str, Any]]) -> None:
    cut = batches(entries)
    assert [entry["MessageBody"] for batch in cut for entry in batch] == [entry["MessageBody"] for entry in entries]
    for batch in cut:
        assert len(batch) <= 10
        assert sum(size_of(entry) for entry in batch) <= MESSAGE_BYTES
        assert [entry["Id"] for entry in batch] == [str(index) for index in range(len(batch))]


def test_25_messages_go_in_three_calls(service: StrictMessages) -> None:
    entries = read_messages([{"body": f"m{index}"} for index in range(25)], "messages", fifo=False)
    taken, refused = send_all(api(service), service.url("orders"), entries)
    assert service.counts() == {"SendMessageBatch": 3}
    assert service.bodies("orders") == [f"m{index}" for index in range(25)]
    assert [item["position"] for item in taken] == list(range(25))
    assert refused == []


def test_entries_failed_by_sqs_are_sent_again(service: StrictMessages) -> None:
    failures = iter([("InternalError", False), ("InternalError", False)])
    service.batch_fault = lambda _operation, entry: next(failures, None) if entry["MessageBody"] == "m1" else None
    entries = read_messages([{"body": f"m{index}"} for index in range(3)], "messages", fifo=False)
    taken, refused = send_all(api(service), service.url("orders"), entries)
    assert sorted(service.bodies("orders")) == ["m0", "m1", "m2"]
    assert (len(taken), refused) == (3, [])


def test_entries_that_are_at_fault_are_reported_and_not_repeated(service: StrictMessages) -> None:
    service.batch_fault = lambda _operation, entry: (
        ("InvalidMessageContents", True) if entry["MessageBody"] == "m1" else None
    )
    entries = read_messages([{"body": f"m{index}"} for index in range(3)], "messages", fifo=False)
    _taken, refused = send_all(api(service), service.url("orders"), entries)
    assert refused == [{"position": 1, "reason": "InvalidMessageContents: no"}]
    assert service.counts() == {"SendMessageBatch": 1}


def test_a_group_of_a_fifo_queue_stops_at_its_first_failure(service: StrictMessages) -> None:
    service.batch_fault = lambda _operation, entry: ("InternalError", False) if entry["MessageBody"] == "a1" else None
    messages = [
        {"body": f"{group}{index}", "group_id": group, "deduplication_id": f"{group}{index}"}
        for index in range(3)
        for group in "ab"
    ]
    entries = read_messages(messages, "messages", fifo=True)
    taken, refused = send_all(api(service), service.url("ledger.fifo"), entries)
    assert service.bodies("ledger.fifo") == ["a0", "b0", "b1", "b2"]
    assert len(taken) == 4
    assert [item["position"] for item in refused] == [2, 4]
    assert service.counts()["SendMessageBatch"] <= 2 + SEND_ATTEMPTS


def test_looking_gives_every_message_back(service: StrictMessages) -> None:
    for index in range(25):
        service.dead_letter("orders", "orders", f"m{index}")
    found, seen = look(
        api(service), service.url("orders"), limit=100, visibility_timeout=60, wanted=lambda item: "2" in item["Body"]
    )
    assert {item["Body"] for item in found} == {f"m{index}" for index in range(25) if "2" in str(index)}
    assert seen == 25
    assert len(service.visible("orders")) == 25


def test_messages_are_given_back_when_looking_fails(service: StrictMessages) -> None:
    service.dead_letter("orders", "orders", "m")

    def explode(_message: dict[str, Any]) -> bool:
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError):
        look(api(service), service.url("orders"), limit=1, visibility_timeout=60, wanted=explode)
    assert len(service.visible("orders")) == 1


@pytest.mark.parametrize("queue", ["orders", "ledger.fifo"])
def test_removing_deletes_what_is_wanted_and_gives_the_rest_back(service: StrictMessages, queue: str) -> None:
    for number in range(25):
        service.dead_letter(
            "orders", queue, f"{'mine' if number % 5 == 0 else 'other'}-{number}", MessageGroupId=f"g{number}"
        )
    bodies = set()
    for _round in range(3):
        removed, undeleted = remove(api(service), service.url(queue), wanted=lambda message: "mine" in message["Body"])
        bodies |= {message["Body"] for message in removed}
        assert undeleted == 0
    assert bodies == {"mine-0", "mine-5", "mine-10", "mine-15", "mine-20"}
    assert [body for body in service.bodies(queue) if "mine" in body] == []
    assert len(service.visible(queue)) == 20


def test_what_would_be_removed_is_kept_in_check_mode(service: StrictMessages) -> None:
    service.dead_letter("orders", "orders", "mine")
    removed, _undeleted = remove(api(service), service.url("orders"), wanted=lambda _message: True, keep=True)
    assert len(removed) == len(service.visible("orders")) == 1


def test_what_could_not_be_deleted_is_counted(service: StrictMessages) -> None:
    service.dead_letter("orders", "orders", "mine")
    service.batch_fault = lambda operation, _unused: (
        ("ReceiptHandleIsInvalid", True) if operation.startswith("Delete") else None
    )
    assert remove(api(service), service.url("orders"), wanted=lambda _unused: True)[1] == 1


@pytest.mark.parametrize("given", [{}, {"body_contains": None}, {"attributes": {}}])
def test_a_filter_that_chooses_everything_removes_nothing(given: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError) as caught:
        read_removal({"filter": given})
    assert caught.value.errors == ["filter: chooses every message; queue_purge is the module that empties a queue"]


def test_a_message_is_shown_with_why_and_how_often() -> None:
    message = {
        "MessageId": "id",
        "Body": '{"order": 1}',
        "Attributes": {
            "SentTimestamp": "1795000000000",
            "ApproximateReceiveCount": "4",
            "DeadLetterQueueSourceArn": "arn:aws:sqs:r:1:orders",
        },
        "MessageAttributes": {
            "DeadLetterReason": {"DataType": "String", "StringValue": "no such product"},
            "blob": {"DataType": "Binary", "BinaryValue": b"\x00"},
        },
    }
    shown = show_message(message, 1795000060.0)
    assert shown["json"] == {"order": 1}
    assert shown["reason"] == "no such product"
    assert shown["dead_letter_source"] == "orders"
    assert shown["receive_count"] == 4
    assert shown["age_seconds"] == 60
    assert shown["sent_at"] == "2026-11-18T11:06:40.000Z"
    assert shown["attributes"]["blob"] == "AA=="


@pytest.mark.parametrize(
    ("chosen", "matches"),
    [
        (MessageFilter(), True),
        (MessageFilter(body_contains="order"), True),
        (MessageFilter(body_contains="refund"), False),
        (MessageFilter(body_matches=r"order\D+7\b"), True),
        (MessageFilter(attributes={"n": "3"}), True),
        (MessageFilter(attributes={"n": "4"}), False),
        (MessageFilter(attributes={"missing": "None"}), False),
        (MessageFilter(minimum_age=60), True),
        (MessageFilter(minimum_age=61), False),
        (MessageFilter(maximum_age=59), False),
        (MessageFilter(minimum_receive_count=3), False),
        (MessageFilter(maximum_receive_count=2), True),
    ],
)
def test_filter(chosen: MessageFilter, matches: bool) -> None:
    message = {
        "MessageId": "id",
        "Body": "order 7",
        "Attributes": {"SentTimestamp": "1000000", "ApproximateReceiveCount": "2"},
        "MessageAttributes": {"n": {"DataType": "Number", "StringValue": "3"}},
    }
    assert chosen.matches(message, 1060.0) is matches


def test_bad_filters_and_edits_are_refused_with_their_paths() -> None:
    problems = Problems()
    read_filter({"body_matches": "(", "minimum_age": -1, "bodies": "x"}, "filter", problems)
    read_edit(
        {"replace": [{"pattern": "a", "replacement": r"\2"}, {"replacement": "x"}], "remove_attributes": "x"},
        "edit",
        problems,
    )
    assert [error.split(":")[0] for error in problems.errors] == [
        "filter.bodies",
        "filter.minimum_age",
        "filter.body_matches",
        "edit.replace[0].replacement",
        "edit.replace[1].pattern",
        "edit.remove_attributes",
    ]


def test_an_edit_that_empties_the_body_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="is empty"):
        MessageEdit(replace=((".*", ""),)).apply({"MessageBody": "x"})


def test_what_is_sent_on_keeps_everything_but_the_notes_of_the_dead_lettering() -> None:
    message = {
        "MessageId": "id",
        "Body": "x",
        "Attributes": {"MessageGroupId": "g", "MessageDeduplicationId": "d", "AWSTraceHeader": "Root=1"},
        "MessageAttributes": {
            "a": {"DataType": "String", "StringValue": "1"},
            "DeadLetterReason": {"DataType": "String", "StringValue": "bad"},
        },
    }
    entry = resend_entry(message, fifo=True)
    assert entry["MessageAttributes"] == {"a": {"DataType": "String", "StringValue": "1"}}
    assert (entry["MessageGroupId"], entry["MessageDeduplicationId"]) == ("g", "d")
    assert entry["MessageSystemAttributes"]["AWSTraceHeader"]["StringValue"] == "Root=1"


def test_the_second_purge_waits_for_the_minute_to_be_over(service: StrictMessages) -> None:
    queues = QueueApi(service.client())
    (found,) = queues.read({"orders": service.url("orders")}).values()
    queue = OneQueue(found, queues, api(service))
    purge_when_possible(queue, wait=True, sleep=service.sleep)
    began = service.now
    with pytest.raises(AwsCallError, match="Only one PurgeQueue operation"):
        purge_when_possible(queue, wait=False, sleep=service.sleep)
    purge_when_possible(queue, wait=True, sleep=service.sleep)
    assert 60 <= service.now - began <= 70


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["body", "attributes", "group_id", "deduplication_id", "delay_seconds", "else"]),
            st.none()
            | st.booleans()
            | st.integers()
            | st.text()
            | st.dictionaries(st.text(), st.text() | st.integers()),
        )
        | st.text(),
        max_size=4,
    ),
    st.booleans(),
)
@settings(max_examples=300, deadline=None)
def test_whatever_is_given_the_answer_is_entries_or_errors(messages: list[Any], fifo: bool) -> None:
    try:
        entries = read_messages(messages, "messages", fifo=fifo)
    except InvalidInputError as error:
        assert all(fault.startswith("messages[") for fault in error.errors)
    else:
        assert len(entries) == len(messages)
