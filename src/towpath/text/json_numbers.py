"""JSON number tokens: what each type can hold of one without changing its value."""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np

PRECISION = 38
"""Digits of the widest decimal that a column gets by itself."""


class Number(str):
    """A JSON number as its source token, told apart from a string."""

    __slots__ = ()


def integer(token: str) -> int | None:
    """The token as an integer; None for a point, an exponent and -0, whose sign an integer would lose."""
    if not token.lstrip("-").isdigit() or token == "-0" or len(token) > PRECISION * 3:
        return None
    return int(token)


def double(token: str) -> float | None:
    """The double that the token means: its shortest round trip is numerically equal, and an integer is that integer."""
    value = float(token)
    if math.isinf(value):
        return None
    if len(token) <= 15 and "e" not in token and "E" not in token:
        return value
    if not _same(token, repr(value)) or (token.lstrip("-").isdigit() and int(token) != int(value)):
        return None
    return value


def single(token: str) -> float | None:
    """The float32 that the token means, by its own shortest round trip or by the double equal to it."""
    with np.errstate(over="ignore"):
        value = np.float32(token)
    if np.isinf(value):
        return None
    if _same(token, str(value)) or double(token) == float(value):
        return float(value)
    return None


def decimal(token: str) -> Decimal | None:
    """The token as a decimal; None when it is far outside of any decimal type, or -0, whose sign one would lose."""
    try:
        value = Decimal(token)
    except ArithmeticError:
        return None
    if not value:
        return None if value.is_signed() else Decimal(0)
    return value if -PRECISION * 3 < value.adjusted() < PRECISION * 3 else None


def digits(value: Decimal) -> tuple[int, int]:
    """Digits before and after the point that a decimal needs, trailing zeros apart."""
    if not value:
        return 0, 0
    _, shown, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    used = len(shown)
    while exponent < 0 and used > 1 and shown[used - 1] == 0:
        used, exponent = used - 1, exponent + 1
    return max(used + exponent, 0), max(-exponent, 0)


def _same(token: str, shown: str) -> bool:
    try:
        return token == shown or Decimal(token) == Decimal(shown)
    except ArithmeticError:
        return False
