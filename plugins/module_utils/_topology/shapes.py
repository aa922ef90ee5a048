# Copyright: Contributors to the ecommerce.sqs project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shapes of an expanded topology: plain JSON data, named so that its readers can be checked."""

from __future__ import annotations

from typing import Any, TypedDict

from .queue_attributes import QueueAttributes


class ExpandedQueue(QueueAttributes):
    """One queue with every attribute filled in; None where the queue's type has no such attribute."""

    key: str
    name: str
    arn: str | None
    env: str
    fifo: bool
    dead_letter: bool
    dead_letter_queue: str | None
    max_receive_count: int | None
    handler_deadline: int | None
    external_consumer: bool
    tags: dict[str, str] | None
    alarms: dict[str, Any]
    producers: list[str]
    consumers: list[str]


class Process(TypedDict):
    """What is kept running under one name on a host.

    ``unit`` is its systemd unit, ``template_unit`` the one of several processes. PM2 writes what it says to ``log`` and
    ``error_log``, which are paths in the folder of the service.
    """

    name: str
    unit: str
    template_unit: str
    log: str
    error_log: str


class Worker(TypedDict):
    """One worker: a service consuming one queue. ``name`` is that of its process. Times in seconds."""

    name: str
    process: Process
    queue: str
    dead_letter_queue: str | None
    deadline: int
    stop_timeout: int


class ExpandedService(TypedDict):
    """One service; ``env`` maps the keys of its .env file to the keys of the queues whose URLs they hold."""

    name: str
    process: Process
    produces: list[str]
    consumes: list[str]
    sends_sms: bool
    role_name: str
    policy_name: str
    instance_profile_name: str
    env: dict[str, str]
    workers: list[Worker]


class ExpandedTopology(TypedDict):
    """All that is derived from a topology; dead-letter queues stand first in ``queues``.

    ``alarms`` are arguments of ``PutMetricAlarm``; see the file ``alarms``.
    """

    prefix: str
    region: str
    account_id: str | None
    partition: str
    shared_instance_profile: str | None
    queues: dict[str, ExpandedQueue]
    services: dict[str, ExpandedService]
    alarms: list[dict[str, Any]]
