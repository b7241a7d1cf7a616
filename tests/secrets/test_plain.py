from __future__ import annotations

import inspect
import typing

import pytest

from towpath import registry
from towpath.job import InputSpec, JobSpec, OutputSpec
from towpath.secrets import Secret, plain, redact
from towpath.secrets.secret import named_secret


def job(password: str, key: object) -> JobSpec:
    return JobSpec(
        {"input": InputSpec(f"postgresql://ann:{password}@h/db#t", options={"api_token": key, "null": "NA"})},
        OutputSpec("store#t", options={"encryption_key": "${env:K}"}),
        connections={"store": f"duckdb:///a.db?encryption_key={password}"},
    )


def test_a_kept_job_holds_references_and_no_plain_secret() -> None:
    kept = plain.hidden(job("hunter2", "hunter3").as_json())
    assert kept["inputs"]["input"]["address"] == "postgresql://ann:***@h/db#t"
    assert kept["inputs"]["input"]["options"] == {"api_token": "***", "null": "NA"}
    assert kept["to"]["options"] == {"encryption_key": "${env:K}"}
    assert kept["connections"] == {"store": "duckdb:///a.db?encryption_key=***"}
    assert "hunter" not in str(kept)
    assert JobSpec.from_json(kept).to.address == "store#t"


def test_a_new_password_is_no_new_plan() -> None:
    assert job("one1", "two2").plan_hash() == job("three", "four").plan_hash()
    assert job("${env:A}", "x").plan_hash() != job("one1", "x").plan_hash()


def test_a_job_of_a_program_may_hold_a_secret() -> None:
    assert job("x", Secret("hunter2")).as_json()["inputs"]["input"]["options"]["api_token"] == "***"
    with pytest.raises(TypeError, match="object is no value of a job"):
        job("x", object()).as_json()


def test_plain_secrets_of_a_command_line_are_known_before_it_is_read() -> None:
    plain.note(["copy", "postgresql://ann:hunter2@h/db", "x", "encryption_key=hunter3=x", "--to-opt=api_token=hunter4",
                "where=some text", "--key", "some_id", "secret=${env:X}"])  # fmt: skip
    assert (
        redact.clean("hunter2 hunter3=x hunter4 some text some_id ${env:X}") == "*** *** *** some text some_id ${env:X}"
    )


def test_every_option_of_the_type_secret_has_a_name_that_says_so() -> None:
    found = []
    for row in registry.rows():
        hints = typing.get_type_hints(registry.load(row).__init__)
        for name in inspect.signature(registry.load(row)).parameters:
            if Secret in (typing.get_args(hints.get(name)) or (hints.get(name),)):
                found.append(name)
    assert found
    assert [name for name in found if not named_secret(name)] == []


@pytest.mark.parametrize("name", ["key", "sslkey_file", "passfile", "null", "keyed", "cursor", "max_rows"])
def test_other_names_are_no_secrets(name: str) -> None:
    assert not named_secret(name)
