# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings: every problem at once, each with its way out."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqs_worker.errors import ConfigurationError
from sqs_worker.settings import environment_with_files, load

MINIMAL = {
    "SQS_WORKER_QUEUE_URL": "https://sqs.ap-southeast-1.amazonaws.com/123456789012/orders",
    "SQS_WORKER_HANDLER": "python:payment.worker:handle",
}


def test_defaults_need_only_queue_and_handler() -> None:
    settings = load(MINIMAL)
    assert (settings.concurrency, settings.wait_time, settings.fifo) == (10, 20, False)


def test_all_problems_are_reported_at_once() -> None:
    wrong = {
        "SQS_WORKER_CONCURRENCY": "0",
        "SQS_WORKER_HANDLER": "payment.worker",
        "SQS_WORKER_DEADLINE": "soon",
        "SQS_WORKER_CONCURENCY": "3",
    }
    with pytest.raises(ConfigurationError) as error:
        load(wrong)
    text = "\n".join(error.value.problems)
    assert "SQS_WORKER_QUEUE_URL is not set" in text
    assert "SQS_WORKER_CONCURRENCY: '0' is not a whole number from 1 to 10000" in text
    assert "SQS_WORKER_DEADLINE: 'soon' is not a number of seconds" in text
    assert "SQS_WORKER_HANDLER: 'payment.worker' is not python:MODULE:FUNCTION" in text
    assert "SQS_WORKER_CONCURENCY is not a setting: did you mean SQS_WORKER_CONCURRENCY?" in text


@pytest.mark.parametrize("target", ["json", "json:", ":dumps", ".json:dumps", "json:decoder.", "json.:dumps"])
def test_a_function_without_its_module_or_name_is_refused_with_the_form_to_write(target: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        load(MINIMAL | {"SQS_WORKER_HANDLER": f"python:{target}", "SQS_WORKER_MIDDLEWARE": f"json:dumps, {target}"})
    handler, middleware = error.value.problems
    assert handler.startswith(f"SQS_WORKER_HANDLER: 'python:{target}' is not python:MODULE:FUNCTION")
    assert middleware.startswith("SQS_WORKER_MIDDLEWARE: ")
    assert f"{target!r}, which is not MODULE:FUNCTION" in middleware


def test_a_function_may_be_an_attribute_of_a_class() -> None:
    settings = load(MINIMAL | {"SQS_WORKER_HANDLER": "python:payment.worker:Worker.handle"})
    assert settings.handler == "python:payment.worker:Worker.handle"


def test_a_fifo_queue_needs_a_fifo_dead_letter_queue() -> None:
    with pytest.raises(ConfigurationError, match="dead-letter queue of a FIFO queue is a FIFO queue"):
        load(
            MINIMAL
            | {
                "SQS_WORKER_QUEUE_URL": MINIMAL["SQS_WORKER_QUEUE_URL"] + ".fifo",
                "SQS_WORKER_DEAD_LETTER_QUEUE_URL": "https://sqs.ap-southeast-1.amazonaws.com/123456789012/dlq",
            }
        )


@given(
    st.dictionaries(st.sampled_from(["CONCURRENCY", "DEADLINE", "RATE", "QUEUE_URL", "HANDLER"]), st.text(max_size=20))
)
def test_any_text_is_taken_or_refused_by_name(values: dict[str, str]) -> None:
    environment = MINIMAL | {f"SQS_WORKER_{name}": text for name, text in values.items()}
    try:
        load(environment)
    except ConfigurationError as error:
        for problem in error.problems:
            assert problem.startswith("SQS_WORKER_")


def test_later_files_win_and_nothing_is_interpolated(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("A=1\nB='x$A${A}'\n")
    (tmp_path / "b").write_text("A=2\n")
    merged = environment_with_files({"A": "0", "C": "3"}, [tmp_path / "a", tmp_path / "b"])
    assert merged == {"A": "2", "B": "x$A${A}", "C": "3"}


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.env: No such file"):
        environment_with_files({}, [tmp_path / "nowhere.env"])
