# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deploy a source as the module ``release`` and its action plugin do."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.ecommerce.sqs.plugins.module_utils._release.npm_packages import NpmPackages
from ansible_collections.ecommerce.sqs.plugins.module_utils._release.releases import Plan, Releases
from ansible_collections.ecommerce.sqs.plugins.module_utils._release.source_tree import archive, digest
from ansible_collections.ecommerce.sqs.plugins.module_utils._release.virtualenvs import Virtualenv


def deploy(
    root: Path, source: Path, environment: Virtualenv | None = None, *, npm: NpmPackages | None = None, keep: int = 5
) -> Plan:
    releases = Releases(str(root))
    plan = releases.plan({"app": digest(str(source))}, environment, ["data"], npm=npm, keep=keep)
    packed = source.parent / "app.tar.gz"
    archive(str(source), str(packed))
    releases.apply(plan, environment, {"app": str(packed)})
    return plan
