# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""Topologies for tests: the platform's own, and Hypothesis strategies for good and bad ones."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

from ansible_collections.ecommerce.sqs.plugins.module_utils._topology.queue_attributes import ATTRIBUTES

DEFAULT: dict[str, Any] = {
    "prefix": "ecommerce",
    "queues": {
        "order": {"visibility_timeout": 300},
        "payment": {"visibility_timeout": 300, "fifo": True},
        "notification": {"visibility_timeout": 60},
    },
    "services": {
        "order": {"produces": ["order"], "consumes": ["payment"]},
        "payment": {"consumes": ["order"], "produces": ["payment", "notification"]},
        "notification": {"consumes": ["notification"], "sends_sms": True},
    },
}


def default() -> dict[str, Any]:
    return copy.deepcopy(DEFAULT)


_letters = "abcdefghijklmnopqrstuvwxyz"
keys = st.text(_letters, min_size=1, max_size=12).filter(lambda key: key != "dlq")
tags = st.dictionaries(keys, st.text(_letters, max_size=20), max_size=3)


@st.composite
def queues(draw: st.DrawFn) -> dict[str, Any]:
    fifo = draw(st.booleans())
    bounded = {
        "visibility_timeout": (2, 43200),
        "message_retention_period": (60, 1209599),
        "receive_message_wait_time_seconds": (0, 20),
        "delay_seconds": (0, 900),
        "maximum_message_size": (1024, 1048576),
        "max_receive_count": (1, 1000),
    }
    queue: dict[str, Any] = {"external_consumer": True, "fifo": fifo, "tags": draw(tags)}
    for key, (low, high) in bounded.items():
        if draw(st.booleans()):
            queue[key] = draw(st.integers(low, high))
    if draw(st.booleans()):
        queue["kms_master_key_id"] = "alias/aws/sqs"
    if fifo and draw(st.booleans()):
        queue["content_based_deduplication"] = draw(st.booleans())
    queue["dead_letter"] = draw(st.booleans())
    return queue


@st.composite
def good(draw: st.DrawFn) -> dict[str, Any]:
    declared = draw(st.dictionaries(keys, queues(), min_size=1, max_size=6))
    some = st.lists(st.sampled_from(sorted(declared)), unique=True, max_size=3)
    services = {}
    for name in draw(st.lists(keys, unique=True, max_size=4)):
        services[name] = {"consumes": draw(some), "produces": draw(some), "sends_sms": True}
    return {"prefix": draw(keys), "queues": declared, "services": services, "tags": draw(tags)}


_not_integers = st.one_of(st.booleans(), st.floats(), st.text(_letters, min_size=1), st.just([]), st.just({"a": 1}))
_not_mappings = st.one_of(st.integers(), st.text(min_size=1), st.lists(st.integers(), min_size=1), st.booleans())


def _outside(low: int, high: int) -> st.SearchStrategy[object]:
    return st.one_of(st.integers(max_value=low - 1), st.integers(min_value=high + 1), _not_integers)


_bad_queue_values: list[tuple[str, st.SearchStrategy[Any]]] = [
    *(
        (key, _outside(attribute.minimum, attribute.maximum))
        for key, attribute in ATTRIBUTES.items()
        if attribute.kind == "int"
    ),
    ("max_receive_count", _outside(1, 1000)),
    ("fifo", st.one_of(st.integers(), st.just("perhaps"), st.just([]))),
    ("dead_letter", st.one_of(st.integers(), st.just("perhaps"))),
    ("sqs_managed_sse_enabled", st.one_of(st.integers(), st.just("on-ish"))),
    ("kms_master_key_id", st.one_of(st.integers(), st.lists(st.text()))),
    ("handler_deadline", st.one_of(st.integers(max_value=0), st.integers(min_value=43200), _not_integers)),
    ("tags", st.one_of(st.just({"aws:x": "y"}), st.just({"k": True}), st.just({"k": "v" * 257}), _not_mappings)),
    ("external_consumer", st.just("maybe")),
    ("alarms", st.lists(st.integers(), min_size=1)),
]


@st.composite
def bad(draw: st.DrawFn) -> tuple[object, str]:
    """A topology with one fault, and the path at which the fault is."""
    topology: dict[str, Any] = draw(good())
    queue = draw(st.sampled_from(sorted(topology["queues"])))
    choice = draw(st.integers(0, 9))
    if choice <= 4:
        key, values = draw(st.sampled_from(_bad_queue_values))
        topology["queues"][queue][key] = draw(values)
        return topology, f"queues.{queue}.{key}"
    if choice == 5:
        unknown = draw(st.text(_letters, min_size=1).map(lambda key: f"no_{key}"))
        topology["queues"][queue][unknown] = 1
        return topology, f"queues.{queue}.{unknown}"
    if choice == 6:
        topology["services"]["extra"] = {"consumes": [f"{queue}_missing"]}
        return topology, "services.extra.consumes[0]"
    if choice == 7:
        del topology["queues"][queue]["external_consumer"]
        for service in topology["services"].values():
            service["consumes"] = [key for key in service["consumes"] if key != queue]
        return topology, f"queues.{queue}"
    if choice == 8:
        topology["prefix"] = draw(st.sampled_from([None, "", 3, "a b", "ä", "x" * 80, "a.b"]))
        return topology, "queues" if topology["prefix"] == "x" * 80 else "prefix"
    part = draw(st.sampled_from(["queues", "services", "tags", "dead_letter_queue"]))
    topology[part] = draw(_not_mappings)
    return topology, part
