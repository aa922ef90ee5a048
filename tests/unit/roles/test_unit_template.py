# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""The unit of a service or a worker, as systemd reads it."""

from __future__ import annotations

from jinja2 import Environment, FileSystemLoader

from ansible_collections.ecommerce.sqs.tests.checkout import ROOT

TEMPLATES = ROOT / "roles/worker/templates"


def unit(**changes: object) -> list[str]:
    """The lines of a unit."""
    given = {"command": ["/bin/x"], "environment": {}, "env_files": [], "notifies": False, **changes}
    # As Ansible renders templates.
    environment = Environment(loader=FileSystemLoader(TEMPLATES), trim_blocks=True, autoescape=False)  # noqa: S701
    return environment.get_template("unit.service.j2").render(unit=given).splitlines()


def test_dollars_are_doubled_where_systemd_replaces_variables_and_nowhere_else() -> None:
    lines = unit(command=["/bin/x", "a$b 100%"], environment={"KEY": "a$b 100%"})
    assert 'ExecStart="/bin/x" "a$$b 100%%"' in lines
    assert 'Environment="KEY=a$b 100%%"' in lines


def test_a_unit_has_no_empty_line_within_its_sections() -> None:
    lines = unit()
    assert lines[lines.index("WorkingDirectory=") + 1].startswith("ExecStart=")
