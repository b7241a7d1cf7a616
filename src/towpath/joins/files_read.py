"""The checkpoint of a file source: which files were read, in which version, and whose rows can be told again."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from towpath.address import below
from towpath.errors import Refused
from towpath.nouns import Checkpoint


@dataclass(frozen=True, slots=True)
class FilesRead:
    """`files` gives each file's version by its name as seen from the job's folder; `pattern` is the address that they
    were found by (None: a checkpoint from before patterns were kept).

    `unnamed` are files whose rows do not carry their file's name; None when no row does."""

    files: Mapping[str, str] = field(default_factory=dict)
    pattern: str | None = None
    unnamed: frozenset[str] | None = None

    @staticmethod
    def of(checkpoint: Checkpoint | None, base: str, shown: str) -> FilesRead:
        """Raises Refused for a checkpoint of something else than files."""
        if checkpoint is None:
            return FilesRead(unnamed=frozenset())
        if checkpoint.kind != "files":
            raise Refused(
                f"the step's checkpoint is of the kind {checkpoint.kind!r}, not one of files",
                where=shown,
                todo="load everything anew (--full-refresh)",
                code="checkpoint-foreign",
            )
        value: dict[str, Any] = checkpoint.value
        if not isinstance(value.get("files"), dict):
            return FilesRead({below(path, base): version for path, version in value.items()})
        unnamed = value.get("unnamed")
        return FilesRead(value["files"], value.get("pattern"), None if unnamed is None else frozenset(unnamed))

    def names(self, files: Collection[str]) -> bool:
        """Whether the rows of all these files carry their file's name."""
        return self.unnamed is not None and self.unnamed.isdisjoint(files)

    def after(self, read: Mapping[str, str], pattern: str, *, named: bool) -> Checkpoint:
        """The checkpoint once the files `read` are read too, their rows with the file's name or not."""
        value: dict[str, Any] = {"pattern": pattern, "files": {**self.files, **read}}
        if named:
            before = set(self.files) if self.unnamed is None else self.unnamed
            value["unnamed"] = sorted(before - set(read))
        return Checkpoint("files", value)
