from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from towpath.errors import Refused, TowError, UserError
from towpath.pipeline.yamltext import parse, read


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("null: NO", {"null": "NO"}),
        ("key: [on, off, yes, no, y, n]", {"key": ["on", "off", "yes", "no", "y", "n"]}),
        ("on: true", {"on": True}),
        ("day: 2024-01-02", {"day": "2024-01-02"}),
        ("time: 12:30:45", {"time": "12:30:45"}),
        ("zip: [00501, 0x1A, 0o17, 1_000, +5]", {"zip": ["00501", "0x1A", "0o17", "1_000", "+5"]}),
        ("n: [0, -12, 3.5, 1e3]", {"n": [0, -12, 3.5, 1000.0]}),
        ("n: '12'", {"n": "12"}),
        ("nothing: [~, null, ]", {"nothing": [None, None]}),
        ("12: x", {"12": "x"}),
        ("true: x", {"true": "x"}),
        ("inf: [.inf, .nan]", {"inf": [".inf", ".nan"]}),
        ("a: &x [1]\nb: *x", {"a": [1], "b": [1]}),
        ("<<: {a: 1}", {"<<": {"a": 1}}),
        ("", None),
    ],
)
def test_words_stay_text_unless_they_can_mean_nothing_else(text: str, expected: object) -> None:
    document = parse(text, "x.yaml")
    document.check()
    assert document.value == expected
    assert repr(document.value) == repr(expected)


def test_a_number_that_would_lose_digits_stays_text() -> None:
    assert parse("[0.1, 0.1000000000000000055, 12345678901234567890.12]", "x").value == [
        0.1,
        "0.1000000000000000055",
        "12345678901234567890.12",
    ]


def test_a_whole_number_keeps_all_its_digits() -> None:
    assert parse("123456789012345678901234567890", "x").value == 123456789012345678901234567890


def test_a_key_twice_is_a_mistake_that_names_both_lines() -> None:
    document = parse("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\na: 2\n", "x.yaml")
    with pytest.raises(UserError) as caught:
        document.check()
    assert str(caught.value).splitlines()[:2] == [
        "x.yaml:5:3: the key 'c' stands on line 3 already",
        "  x.yaml:6:1: the key 'a' stands on line 1 already [yaml-wrong]",
    ]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: [1, 2", "x.yaml:1:9"),
        ("a: b: c", "x.yaml:1:5"),
        ("a: 1\n\tb: 2", "x.yaml:2:1"),
        ("--- 1\n--- 2", "x.yaml:2:1"),
    ],
)
def test_what_is_no_yaml_is_told_with_its_place(text: str, place: str) -> None:
    with pytest.raises(UserError, match="no YAML") as caught:
        parse(text, "x.yaml")
    assert caught.value.where == place


@pytest.mark.parametrize(
    "text", ["a: !!python/object/apply:os.system [ls]", "a: !include x", "a: !!timestamp 2024-01-02"]
)
def test_tags_are_not_obeyed(text: str) -> None:
    with pytest.raises(UserError, match=r"x\.yaml:1:4: the tag"):
        parse(text, "x.yaml").check()


def test_an_alias_within_its_own_anchor_is_a_mistake() -> None:
    with pytest.raises(UserError, match="own anchor"):
        parse("a: &a [1, *a]", "x.yaml").check()


def test_places_are_lines_and_columns_from_one() -> None:
    document = parse("a:\n  - b: 1\n    c: 2\n", "x.yaml")
    assert document.where(("a", 0, "c")) == "x.yaml:3:8"
    assert document.place(("a", 0, "c"), key=True) == (3, 5)


def test_a_part_that_the_text_lacks_is_passed_over() -> None:
    assert parse("from: {address: x}", "x.yaml").place(("from", "input", "address")) == (1, 17)


def test_aliases_that_multiply_are_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    with pytest.raises(UserError, match=r"a\.yaml:[0-9]+:[0-9]+: .* stands for more than 200,000 values"):
        parse("\n".join(lines), "a.yaml")


def test_text_that_is_nested_too_deeply_is_refused() -> None:
    with pytest.raises(UserError, match="nested too deeply"):
        parse("a: " + "[" * 50_000, "a.yaml")


def test_a_number_of_very_many_digits_is_text() -> None:
    assert parse("n: " + "1" * 5000, "a.yaml").value == {"n": "1" * 5000}


@pytest.mark.parametrize(
    ("number", "kind", "code"),
    [
        (errno.EIO, Refused, "system-refused"),
        (errno.ENOSPC, Refused, "disk-full"),
        (errno.EACCES, UserError, "file-unreadable"),
    ],
)
def test_a_disk_that_fails_is_not_the_users_mistake(
    number: int, kind: type[TowError], code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(self: Path, encoding: str) -> str:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "read_text", fails)
    with pytest.raises(kind, match=r"cannot (be )?read") as told:
        read(tmp_path / "tow.yaml")
    assert told.value.code == code
    assert told.value.exit_code == (1 if kind is Refused else 2)
