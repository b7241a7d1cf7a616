from __future__ import annotations

import pytest

from towpath.errors import UserError
from towpath.options import build, nearest
from towpath.secrets import Secret, redact


class Made:
    def __init__(
        self, delimiter: str | None = None, header: bool = True, level: int = 3, null: tuple[str, ...] = ()
    ) -> None:
        self.got = (delimiter, header, level, null)


class Dated:
    def __init__(self, date_format: str | tuple[str, ...] | None = None) -> None:
        self.got = date_format


def test_strings_are_read_by_the_annotations() -> None:
    made = build(Made, {"delimiter": ";", "header": "no", "level": "9", "null": "NA,-"}, "format x")
    assert made.got == (";", False, 9, ("NA", "-"))


def test_values_of_yaml_pass_as_they_are() -> None:
    assert build(Made, {"header": False, "level": 4, "null": ["NA"]}, "x").got == (None, False, 4, ("NA",))
    assert build(Made, {"null": "NA"}, "x").got[3] == ("NA",)


def test_words_that_yaml_made_values_of_are_words_again() -> None:
    assert build(Made, {"null": [True, 3, "NA"]}, "x").got[3] == ("true", "3", "NA")
    assert build(Dated, {"date_format": {"d": "%d.%m.%Y"}}, "x").got == ("d=%d.%m.%Y",)


@pytest.mark.parametrize("value", [None, [None], {"a": "b"}, [["NA"]]])
def test_what_is_no_word_is_refused(value: object) -> None:
    with pytest.raises(UserError, match="option null of x takes words"):
        build(Made, {"null": value}, "x")


def test_an_unknown_option_names_the_nearest() -> None:
    with pytest.raises(UserError, match=r"format x has no option 'delimeter'; did you mean 'delimiter'\?") as caught:
        build(Made, {"delimeter": ";"}, "format x")
    assert "delimiter, header, level, null" in caught.value.todo


@pytest.mark.parametrize(("name", "value"), [("header", "maybe"), ("level", "x"), ("level", 1.5), ("header", 3)])
def test_a_value_of_the_wrong_kind_is_refused(name: str, value: object) -> None:
    with pytest.raises(UserError, match=f"option {name} of format x takes"):
        build(Made, {name: value}, "format x")


def test_a_name_that_differs_only_in_case_is_the_nearest() -> None:
    assert nearest("G", ["id", "g"]) == "; did you mean 'g'?"


def test_nearest_says_nothing_when_nothing_is_near() -> None:
    assert nearest("zzz", ["delimiter"]) == ""


class Locked:
    def __init__(self, path: str = "", encryption_key: Secret | None = None, level: int = 1) -> None:
        self.path, self.key, self.level = path, encryption_key, level


def test_a_secret_option_gets_a_secret(caplog: pytest.LogCaptureFixture) -> None:
    made = build(Locked, {"encryption-key": Secret("hunter2"), "path": Secret("a.db"), "level": Secret("3000")}, "x")
    assert (made.key, made.path, made.level) == (Secret("hunter2"), "a.db", 3000)
    assert not caplog.records
    assert build(Locked, {"encryption_key": None}, "x").key is None


def test_a_secret_that_is_written_plainly_is_told_once_and_known(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        assert build(Locked, {"encryption_key": "hunter2"}, "x").key == Secret("hunter2")
    (record,) = caplog.records
    assert "option encryption_key of x is written plainly" in record.getMessage()
    assert "${env:NAME}" in record.getMessage()
    assert "tow secrets set" in record.getMessage()
    assert "hunter2" not in record.getMessage()
    assert redact.clean("hunter2") == "***"


def test_a_secret_of_another_kind_is_refused_unseen() -> None:
    with pytest.raises(UserError, match="takes text") as caught:
        build(Locked, {"encryption_key": 123456}, "x")
    assert "123456" not in str(caught.value)
    with pytest.raises(UserError, match="whole number") as caught:
        build(Locked, {"level": Secret("a bad one")}, "x")
    assert "a bad one" not in str(caught.value)


def test_what_stands_for_a_secret_that_was_not_kept_is_refused() -> None:
    with pytest.raises(UserError, match=r"was not kept"):
        build(Locked, {"encryption_key": "***"}, "x")


def test_an_option_given_twice_is_refused() -> None:
    with pytest.raises(UserError, match="given twice"):
        build(Locked, {"encryption-key": Secret("one1"), "encryption_key": Secret("two2")}, "x")
