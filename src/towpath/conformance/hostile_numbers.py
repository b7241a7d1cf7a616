"""Hostile bools, integers, decimals and floats."""

from __future__ import annotations

import decimal
from decimal import Decimal

import numpy as np
import pyarrow as pa

from towpath.conformance.hostile import Hostile

_DECIMALS = {
    "decimal_9_9": (pa.decimal32(9, 9), "nothing before the point", ["0.999999999", "-0.000000001", "0"]),
    "decimal_18_3": (pa.decimal64(18, 3), "a decimal of 64 bits", ["999999999999999.999", "-0.001", "0.100"]),
    "decimal_12_2": (pa.decimal128(12, 2), "money with zeros at its end", ["1.10", "-9999999999.99", "0.00", "100.00"]),
    "decimal_38_0": (pa.decimal128(38, 0), "more digits than any integer", ["9" * 38, "-" + "9" * 38, "1" + "0" * 37]),
    "decimal_38_18": (
        pa.decimal128(38, 18),
        "more digits than a double, down to 1e-18",
        ["0." + "0" * 17 + "1", "-0." + "0" * 17 + "1", "9" * 20 + "." + "9" * 18, "1" + "0" * 19, "0"],
    ),
    "decimal_38_38": (pa.decimal128(38, 38), "all digits behind the point", ["0." + "9" * 38, "-0." + "0" * 37 + "1"]),
    "decimal_76_0": (pa.decimal256(76, 0), "76 digits before the point", ["9" * 76, "-" + "9" * 76, "7"]),
    "decimal_76_38": (
        pa.decimal256(76, 38),
        "76 digits around the point",
        ["9" * 38 + "." + "9" * 38, "-0." + "0" * 37 + "1", "0"],
    ),
}


def columns() -> list[Hostile]:
    return [*_bools(), *_integers(), *_decimals(), *_floats()]


def _bools() -> list[Hostile]:
    whole = pa.array([True, None, False, True, None, False, False, True, True, None, True])
    return [
        Hostile("bool", pa.array([True, False, None]), "a bool is not 0 or 1"),
        Hostile("bool_sliced", whole.slice(3, 6), "bits that begin within a byte"),
    ]


def _integers() -> list[Hostile]:
    found = []
    for bits in (8, 16, 32, 64):
        for sign in ("", "u"):
            type = getattr(pa, f"{sign}int{bits}")()
            low, high = (0, 2**bits - 1) if sign else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
            values = pa.array([low, high, 0, 1, None], type)
            found.append(Hostile(f"{sign}int{bits}", values, f"the limits of {type}"))
    odd = [2**53, 2**53 + 1, -(2**53) - 1, 2**62 + 1, 10**18 + 1, None]
    found.append(Hostile("int64_odd", pa.array(odd, pa.int64()), "integers that no double holds"))
    return found


def _decimals() -> list[Hostile]:
    found = [
        Hostile(name, pa.array([*map(Decimal, texts), None], type), why)
        for name, (type, why, texts) in _DECIMALS.items()
    ]
    with decimal.localcontext(prec=80):
        hundreds = pa.array([Decimal("12300"), Decimal("-100"), None], pa.decimal128(5, -2))
    found.append(Hostile("decimal_hundreds", hundreds, "a scale below 0, which most systems do not know"))
    return found


def _floats() -> list[Hostile]:
    halves = [0x0001, 0x03FF, 0x7BFF, 0x2E66, 0x8000, 0x0000, 0x3555]
    singles = [0x00000001, 0x007FFFFF, 0x7F7FFFFF, 0x3DCCCCCD, 0x00000000, 0x4B800000, 0x3EAAAAAB, 0xC1200000]
    doubles = [0x1, 0x000FFFFFFFFFFFFF, 0x7FEFFFFFFFFFFFFF, 0x3FD3333333333334, 0x4340000000000001, 0x3FB999999999999A]
    return [
        Hostile("float16", _bits(halves, np.uint16, np.float16), "subnormal, largest, 0.1, a third, -0.0"),
        Hostile("float16_special", _bits([0x7C00, 0xFC00, 0x7E00], np.uint16, np.float16), "infinities and NaN"),
        Hostile("float32", _bits(singles, np.uint32, np.float32), "0.1f is no 0.1; subnormal, largest"),
        Hostile("float32_zero", _bits([0x80000000, 0], np.uint32, np.float32), "-0.0 beside 0.0"),
        Hostile("float32_inf", _bits([0x7F800000, 0xFF800000], np.uint32, np.float32), "infinities"),
        Hostile("float32_nan", _bits([0x7FC00000, 0x7FC00001, 0xFFC00000], np.uint32, np.float32), "NaN is not null"),
        Hostile("float64", _bits(doubles, np.uint64, np.float64), "subnormal, largest, 0.1 + 0.2, beyond 2^53"),
        Hostile("float64_whole", pa.array([1.0, 1e15, 1e22, -7.0, None]), "floats that look like integers"),
        Hostile("float64_zero", pa.array([-0.0, 0.0, None]), "-0.0 beside 0.0"),
        Hostile("float64_inf", pa.array([float("inf"), float("-inf"), 1.5, None]), "infinities"),
        Hostile("float64_nan", _bits([0x7FF8 << 48, 0x7FF8 << 48 | 1, 0xFFF8 << 48], np.uint64, np.float64), "NaN"),
    ]


def _bits(bits: list[int], whole: type, kind: type) -> pa.Array:
    """Floats of these bits, and a null with other bits beneath it."""
    values: np.ndarray = np.array([*bits, bits[-1]], whole).view(kind)
    return pa.array(values, mask=np.array([False] * len(bits) + [True]))
