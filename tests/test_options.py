from __future__ import annotations

import pytest

from towpath.errors import UserError
from towpath.options import build, nearest


class Made:
    def __init__(
        self, delimiter: str | None = None, header: bool = True, level: int = 3, null: tuple[str, ...] = ()
    ) -> None:
        self.got = (delimiter, header, level, null)


def test_strings_are_read_by_the_annotations() -> None:
    made = build(Made, {"delimiter": ";", "header": "no", "level": "9", "null": "NA,-"}, "format x")
    assert made.got == (";", False, 9, ("NA", "-"))


def test_values_of_yaml_pass_as_they_are() -> None:
    assert build(Made, {"header": False, "level": 4, "null": ["NA"]}, "x").got == (None, False, 4, ("NA",))
    assert build(Made, {"null": "NA"}, "x").got[3] == ("NA",)


def test_an_unknown_option_names_the_nearest() -> None:
    with pytest.raises(UserError, match=r"format x has no option 'delimeter'; did you mean 'delimiter'\?") as caught:
        build(Made, {"delimeter": ";"}, "format x")
    assert "delimiter, header, level, null" in caught.value.todo


@pytest.mark.parametrize(("name", "value"), [("header", "maybe"), ("level", "x"), ("level", 1.5), ("header", 3)])
def test_a_value_of_the_wrong_kind_is_refused(name: str, value: object) -> None:
    with pytest.raises(UserError, match=f"option {name} of format x takes"):
        build(Made, {name: value}, "format x")


def test_nearest_says_nothing_when_nothing_is_near() -> None:
    assert nearest("zzz", ["delimiter"]) == ""
