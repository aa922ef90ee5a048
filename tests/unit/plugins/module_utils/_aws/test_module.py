# Copyright: Contributors to the ecommerce.sqs project
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a module of AWS ends: with its result and the count of its calls, or with one message and what belongs to it."""

from __future__ import annotations

import contextlib
import io
import json
import os
from unittest import mock

import pytest
from ansible.module_utils.testing import patch_module_args
from botocore.exceptions import ClientError, NoCredentialsError

from ansible_collections.ecommerce.sqs.plugins.module_utils._aws.module import run_module
from ansible_collections.ecommerce.sqs.plugins.module_utils._problems import InvalidInputError, RefusedError

SPEC = {"greeting": {"type": "str", "default": "hello"}}


def run(work, check_mode=False, **given):
    output = io.StringIO()
    with (
        patch_module_args({"_ansible_check_mode": check_mode, **given}),
        mock.patch.dict("os.environ", {"AWS_CONFIG_FILE": os.devnull}, clear=True),
        contextlib.redirect_stdout(output),
        contextlib.suppress(SystemExit),
    ):
        run_module(SPEC, work)
    return json.loads(output.getvalue())


def raising(error):
    def work(_parameters, _aws):
        raise error

    return work


@pytest.mark.parametrize("check_mode", [False, True])
def test_the_work_gets_options_and_mode_and_its_result_tells_the_calls(check_mode):
    result = run(lambda given, aws: {"changed": aws.check_mode, "said": given["greeting"]}, check_mode, greeting="hi")
    assert (result["changed"], result["said"], result["api_calls"]) == (check_mode, "hi", {})


def test_every_fault_of_an_input_is_in_the_result():
    result = run(raising(InvalidInputError("The words", ["a: is wrong", "b: is wrong"])))
    assert result["failed"]
    assert result["errors"] == ["a: is wrong", "b: is wrong"]


def test_refused_work_tells_what_was_done():
    result = run(raising(RefusedError("two of three were sent", sent=2)))
    assert (result["failed"], result["msg"], result["sent"]) == (True, "two of three were sent", 2)


@pytest.mark.parametrize(
    "error", [NoCredentialsError(), ClientError({"Error": {"Code": "Throttling", "Message": "slowly"}}, "GetRole")]
)
def test_what_aws_answers_is_one_message_and_no_traceback(error):
    result = run(raising(error))
    assert result["failed"]
    assert "exception" not in result


@pytest.mark.parametrize("use", [lambda aws: aws.region, lambda aws: aws.client("sqs"), lambda aws: aws.caller()])
def test_work_that_needs_a_region_is_refused_without_one(use):
    result = run(lambda _given, aws: {"used": use(aws)})
    assert result["failed"]
    assert "set region, AWS_REGION" in result["msg"]


def test_work_has_the_region_that_is_set():
    assert run(lambda _given, aws: {"region": aws.region}, region="eu-west-1")["region"] == "eu-west-1"
