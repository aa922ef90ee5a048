# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""The unit of a service or a worker, as systemd reads it."""

from __future__ import annotations

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ansible_collections.ecommerce.sqs.tests.checkout import ROOT

ROLE = ROOT / "roles/process"


def unit(**changes: object) -> list[str]:
    """The lines of a unit."""
    defaults = yaml.safe_load((ROLE / "defaults/main.yml").read_text(encoding="utf-8"))
    given = {**defaults, "process_name": "x", "process_root": "/srv/x", "process_command": ["/bin/x"]}
    given |= {f"process_{name}": value for name, value in changes.items()}
    # As Ansible renders templates.
    loader = FileSystemLoader(ROLE / "templates")
    environment = Environment(loader=loader, trim_blocks=True, undefined=StrictUndefined, autoescape=False)  # noqa: S701
    template = environment.get_template("unit.service.j2")
    return template.render(
        **given,
        __process_program=given["process_command"][0],
        __process_has_several=given["process_instances"] > 1,
    ).splitlines()


def test_dollars_are_doubled_where_systemd_replaces_variables_and_nowhere_else() -> None:
    lines = unit(command=["/bin/x", "a$b 100%"], environment={"KEY": "a$b 100%"})
    assert 'ExecStart="/bin/x" "a$$b 100%%"' in lines
    assert 'Environment="KEY=a$b 100%%"' in lines


def test_a_unit_has_no_empty_line_within_its_sections() -> None:
    lines = unit()
    assert lines[lines.index("WorkingDirectory=/srv/x") + 1].startswith("ExecStart=")
