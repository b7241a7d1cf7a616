"""Where bad rows go, by what `--bad-rows` names."""

from __future__ import annotations

from pathlib import Path

import pytest

from towpath import letterbox
from towpath.deadletters import DeadLetters
from towpath.deadletters_topic import TopicLetters
from towpath.errors import UserError
from towpath.job import InputSpec, JobSpec, OutputSpec
from towpath.pipeline.jobs import job
from towpath.pipeline.load import load

BUS = {"bus": "kafka://127.0.0.1:9"}


def spec(bad_rows: str | None) -> JobSpec:
    return JobSpec({"input": InputSpec("a.csv")}, OutputSpec("b.csv"), bad_rows=bad_rows, connections=BUS)


@pytest.mark.parametrize(
    ("place", "kind", "shown"),
    [
        ("bad/", DeadLetters, "bad/"),
        ("bad#rows", DeadLetters, "bad#rows"),
        ("kafka://127.0.0.1:9#dead", TopicLetters, "kafka://127.0.0.1:9#dead"),
        ("bus#dead", TopicLetters, "kafka://127.0.0.1:9#dead"),
    ],
)
def test_a_folder_and_a_topic_are_told_apart_by_their_names(place: str, kind: type[object], shown: str) -> None:
    made = letterbox.letters(spec(place), "load1")
    assert isinstance(made, kind)
    assert letterbox.place(spec(place)) == shown


def test_without_a_place_the_first_bad_row_stops_the_load() -> None:
    assert letterbox.letters(spec(None), "load1") is None


@pytest.mark.parametrize("place", ["duckdb:///x.db#bad", "file:///tmp/bad"])
def test_another_address_is_the_users_error(place: str) -> None:
    with pytest.raises(UserError, match="neither"):
        letterbox.letters(spec(place), "load1")


@pytest.mark.parametrize(
    ("said", "meant"),
    [("bad/", "{folder}/bad/"), ("bus#dead", "bus#dead"), ("kafka://h:9092#dead", "kafka://h:9092#dead")],
)
def test_a_pipelines_folder_is_seen_from_its_file_and_a_topic_is_as_it_is(
    tmp_path: Path, said: str, meant: str
) -> None:
    (tmp_path / "tow.yaml").write_text(
        f"pipeline: shop\nconnections: {{bus: 'kafka://h:9092'}}\n"
        f"steps:\n  a: {{from: a.csv, to: b.csv, bad_rows: '{said}'}}\n"
    )
    made = job(load(tmp_path / "tow.yaml"), "a")
    assert made.bad_rows == meant.format(folder=tmp_path)
    assert ("bus" in made.connections) == said.startswith("bus")
