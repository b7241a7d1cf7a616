"""Medians, ratios, and what is told of those that have none; page and picture of a file of results."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

from bench import report
from bench.picture import picture
from bench.ratios import rows


def entry(
    tool: str, seconds: list[float], content: str = "equal", failure: str = "", bar: bool = False
) -> dict[str, Any]:
    runs = [
        {"seconds": one, "cpu": one * 2, "memory": 100_000_000, "server_cpu": 0.0, "failure": failure}
        for one in seconds
    ]
    return {
        "tool": tool, "label": tool.title(), "kind": "csv_to_parquet", "bar": bar, "size": 5_000_000,
        "content": content, "note": "", "runs": runs,
    }  # fmt: skip


JOB = {
    "name": "csv-parquet", "title": "CSV → Parquet", "rows": 6_000_000,
    "entries": [
        entry("wrong", [0.1, 0.1, 0.1], "differs: note: 'a' became null"),
        entry("broken", [9.0], "", "exit 1: no <memory>"),
        entry("slow", [10.0, 30.0, 12.0]),
        entry("quick", [2.0, 4.0, 3.0]),
        entry("towpath", [3.0, 4.0, 6.0]),
    ],
}  # fmt: skip
MADE = {
    "command": "make bench", "sf": 1.0, "rounds": 3, "warm": 1, "date": "2026-11-30", "cores": 2, "memory": 24 << 30,
    "cpu": "A CPU", "kernel": "Linux 6.18", "python": "3.11.7", "load": 0.1,
    "versions": {"quick": {"quick": "1.0"}}, "servers": {},
}  # fmt: skip
RESULTS = {"made": MADE, "jobs": [JOB]}


def test_ratios_are_medians_round_by_round_to_the_best_that_did_the_same_work() -> None:
    found = {row.tool: (row.seconds, row.ratio) for row in rows(JOB)}
    assert found == {
        "towpath": (4.0, 1.5),
        "wrong": (0.1, pytest.approx(0.1 / 3)),
        "quick": (3.0, 1.0),
        "slow": (12.0, 5.0),
        "broken": (None, None),
    }
    assert [row.tool for row in rows(JOB)] == ["towpath", "wrong", "quick", "slow", "broken"]


def test_the_best_tool_may_be_a_bar_but_never_towpath() -> None:
    job = {**JOB, "entries": [entry("towpath", [1.0]), entry("copy", [2.0], "", bar=True), entry("quick", [4.0])]}
    assert [row.ratio for row in rows(job)] == [0.5, 1.0, 2.0]


def test_towpath_alone_has_no_ratio() -> None:
    assert [row.ratio for row in rows({**JOB, "entries": [entry("towpath", [1.0])]})] == [None]


def test_what_failed_or_differs_is_told_in_the_table() -> None:
    table = report.table(RESULTS)
    assert "| Broken | – | – | – | – | – | exit 1: no <memory> |" in table
    assert "| Wrong | 0.10 | 0.03 | 0.20 | 100 | 5.0 | differs: note: 'a' became null |" in table
    assert "| Towpath | 4.00 | 1.50 | 8.00 | 100 | 5.0 | equal |" in table


def test_a_job_that_could_not_be_measured_is_told() -> None:
    results = {**RESULTS, "jobs": [{"name": "x", "title": "X → Y", "rows": 0, "entries": [], "failure": "no server"}]}
    assert report.table(results) == "## X → Y\n\nCould not be measured: no server.\n"
    assert "X → Y" not in picture(results)


def test_a_job_that_was_measured_again_counts_with_its_later_figures() -> None:
    later = {"made": {**MADE, "versions": {"new": {"new": "2.0"}}}, "jobs": [{**JOB, "rows": 7}]}
    found = report.merged([RESULTS, later])
    assert [job["rows"] for job in found["jobs"]] == [7]
    assert found["made"]["versions"] == {"quick": {"quick": "1.0"}, "new": {"new": "2.0"}}


def test_measurements_of_another_size_are_not_mixed_in() -> None:
    other = {"made": {**MADE, "sf": 0.01}, "jobs": [{**JOB, "name": "help"}]}
    assert [job["name"] for job in report.merged([other, RESULTS])["jobs"]] == ["csv-parquet"]


def test_the_picture_is_an_svg_with_a_bar_for_each_tool_that_finished() -> None:
    found = ElementTree.fromstring(picture(RESULTS))
    kinds = [bar.get("class") for bar in found.iter("{http://www.w3.org/2000/svg}rect") if bar.get("height") == "12"]
    assert kinds[3:] == ["ours", "bar", "other", "other"]  # after those of the key
    assert "prefers-color-scheme: dark" in picture(RESULTS)


def test_page_and_picture_are_made_of_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(report, "ROOT", tmp_path)
    monkeypatch.setattr(report, "PAGE", tmp_path / "bench.md")
    monkeypatch.setattr(report, "PICTURE", tmp_path / "bench.svg")
    (tmp_path / "results.json").write_text(json.dumps(RESULTS))
    report.write([tmp_path / "results.json"])
    page = (tmp_path / "bench.md").read_text("utf-8")
    assert "`make bench`, on 2026-11-30" in page
    assert "2 cores (A CPU), 24 GiB, Linux 6.18" in page
    assert "quick 1.0" in page
    assert (tmp_path / "bench.svg").exists()
    assert "bench.md" in capsys.readouterr().out
