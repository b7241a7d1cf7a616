"""What an `OutputSpec` says of its files: how they are compressed, and how large they may become."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from towpath import codecs, registry
from towpath.errors import UserError
from towpath.job import OutputSpec

_OWN_NAMES = {"gz": "gzip", "zst": "zstd", "br": "brotli"}


@dataclass(frozen=True, slots=True)
class Packing:
    """`codec` (an ending) and its `level` are for the bytes of a whole file; `options` are the format's, with those of
    its own compression."""

    options: Mapping[str, Any]
    codec: str | None = None
    level: int | None = None


def packing(spec: OutputSpec, format: registry.Row, ending: str | None, shown: str, *, named: bool) -> Packing:
    """`ending`: the codec that the address's name ends in. `shown`: the address; `named`: it names the one file.

    Raises UserError for a codec or level that there is not, that contradicts the name, or that the name does not say.
    """
    if spec.codec is None and spec.level is None:
        return Packing(spec.options, ending)
    if ending is None and "compression" in inspect.signature(registry.load(format)).parameters:
        return Packing(_own_compression(spec, shown))
    codec = ending if spec.codec is None else codecs.named(spec.codec)
    if codec is None:
        todo = f"name the file {shown}.gz" if named else "give a codec too, such as --codec gz"
        raise UserError(f"a level ({spec.level}) needs a codec", where=shown, todo=todo, code="option-wrong")
    if ending is not None and codec != ending:
        raise UserError(
            f"its name says .{ending}, the codec is {codec}",
            where=shown,
            todo=f"leave the codec out, or let the name end in .{codec}",
            code="codec-contradicted",
        )
    if ending is None and named:
        raise UserError(
            f"a file packed by {codec} says so in its name",
            where=shown,
            todo=f"name it {shown}.{codec}",
            code="codec-contradicted",
        )
    if spec.level is not None:
        codecs.check_level(codec, spec.level)
    return Packing(spec.options, codec, spec.level)


def _own_compression(spec: OutputSpec, shown: str) -> dict[str, Any]:
    """The options of a format that compresses by itself; it checks their values."""
    options = {name.replace("-", "_"): value for name, value in spec.options.items()}
    codec = None if spec.codec is None else _OWN_NAMES.get(spec.codec, spec.codec)
    for name, flag, value in (("compression", "codec", codec), ("compression_level", "level", spec.level)):
        if value is None:
            continue
        if str(options.get(name, value)) != str(value):
            raise UserError(
                f"the option {name} is {options[name]}, but the {flag} is {value}",
                where=shown,
                todo="give one of the two",
                code="codec-contradicted",
            )
        options[name] = value
    return options


def check_sizes(spec: OutputSpec, shown: str, *, folder: bool) -> None:
    """Raises UserError for limits of files where there is no folder of them, and for limits that no file can keep."""
    for name, value in (("rows_per_file", spec.rows_per_file), ("file_size", spec.file_bytes)):
        if value is None:
            continue
        if not folder:
            raise UserError(
                f"{name} is for a folder of files, and this is one destination",
                where=shown,
                todo="name a folder: an address that ends in /",
                code="option-wrong",
            )
        if value < 1:
            raise UserError(f"{name} must be at least 1, not {value}", where=shown, code="option-wrong")


def refuse_for_table(spec: OutputSpec, shown: str) -> None:
    """Raises UserError for what only files have."""
    check_sizes(spec, shown, folder=False)
    if spec.codec is not None or spec.level is not None:
        raise UserError(
            "a database table has no codec and no level",
            where=shown,
            todo="leave them out; the database compresses as it does",
            code="option-wrong",
        )
