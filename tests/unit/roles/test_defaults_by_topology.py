# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""The roles service and worker, used by themselves, make what a topology would have them make."""

from __future__ import annotations

import yaml

from ansible_collections.ecommerce.sqs.plugins.module_utils._deploy.gate import gate_workers
from ansible_collections.ecommerce.sqs.plugins.module_utils._topology.expand import expand
from ansible_collections.ecommerce.sqs.tests.checkout import ROOT

TOPOLOGY = {"prefix": "shop", "queues": {"order": {}}, "services": {"pay": {"consumes": ["order"]}}}


def test_times_are_those_of_a_queue_with_the_default_visibility_timeout() -> None:
    (worker,) = expand(TOPOLOGY, region="eu-west-1")["services"]["pay"]["workers"]
    defaults = yaml.safe_load((ROOT / "roles/worker/defaults/main.yml").read_text(encoding="utf-8"))
    assert defaults["worker_deadline"] == worker["deadline"]
    assert defaults["worker_stop_timeout"] == worker["stop_timeout"]


def test_a_service_has_the_process_that_a_topology_names() -> None:
    process = expand(TOPOLOGY, region="eu-west-1")["services"]["pay"]["process"]
    defaults = yaml.safe_load((ROOT / "roles/service/defaults/main.yml").read_text(encoding="utf-8"))
    assert defaults["service_process_name"].replace("{{ service_name }}", "pay") == process["name"]


def test_a_worker_keeps_its_notes_where_a_deploy_looks_for_them() -> None:
    topology = expand(TOPOLOGY, region="eu-west-1")
    (judged,) = gate_workers(topology, ["pay"], {"pay": {}}, root="/srv", process_manager="pm2")
    variables = yaml.safe_load((ROOT / "roles/worker/vars/main.yml").read_text(encoding="utf-8"))
    directory = variables["__worker_runtime_settings"]["SQS_WORKER_NOTE_DIRECTORY"]
    assert directory.replace("{{ worker_root }}", "/srv/pay") == judged["directory"]
