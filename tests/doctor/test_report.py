"""The report: 80 columns, an exit code, and the same as JSON."""

from __future__ import annotations

import json

from towpath.doctor.report import Check, Report, size

OK = Check("one", "a", "ok", "fine")
WARNING = Check("one", "b", "warning", "word " * 40, "do this and that " * 8)
PROBLEM = Check("two", "c", "problem", "broken", "mend it")


def test_lines_stay_within_their_columns_and_name_what_to_do() -> None:
    lines = Report([OK, WARNING, PROBLEM]).lines(80)
    assert max(map(len, lines)) <= 80
    assert lines[:2] == ["one", "  ok      a: fine"]
    assert "  problem c: broken" in lines
    assert "            -> mend it" in lines
    assert lines[-1] == "1 problem, 1 warning"


def test_only_a_problem_fails() -> None:
    assert Report([OK, WARNING]).exit_code == 0
    assert Report([OK, PROBLEM]).exit_code == 1


def test_the_json_says_the_same() -> None:
    made = json.loads(json.dumps(Report([OK, PROBLEM]).as_json()))
    assert (made["problems"], made["warnings"]) == (1, 0)
    assert made["checks"][1] == {"topic": "two", "name": "c", "level": "problem", "found": "broken", "todo": "mend it"}


def test_sizes_are_for_people() -> None:
    assert [size(one) for one in (0, 1023, 1536, 3 << 30, 5 << 40)] == [
        "0 B",
        "1023 B",
        "1.5 KiB",
        "3.0 GiB",
        "5.0 TiB",
    ]
