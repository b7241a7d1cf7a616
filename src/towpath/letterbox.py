"""Where the bad rows of a job go, by what `--bad-rows` names: a folder, or a topic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pyarrow as pa

from towpath import assemble, deadletters
from towpath.badrows import BadRow, MostBad
from towpath.deadletters import DeadLetters, Letters
from towpath.errors import DataError, UserError
from towpath.job import JobSpec
from towpath.receipt import count
from towpath.url import SCHEME, shown


@dataclass(slots=True)
class Limited:
    """Keeps the bad rows of one load as `behind` does. Raises DataError when they are more than `most`; the load stops,
    and they stay to be looked at."""

    behind: Letters
    most: MostBad
    count: int = 0
    first: BadRow | None = None

    def add(self, bad: BadRow) -> None:
        self.behind.add(bad)
        self.count += 1
        self.first = self.first or bad
        if self.most.passed(self.count):
            self._stop("")

    def judge(self, read: int) -> None:
        """Raises likewise, knowing how many rows were read in all."""
        if self.most.passed(self.count, read):
            self._stop(f" of {read:,} read")

    def types(self, part: str, schema: pa.Schema) -> None:
        self.behind.types(part, schema)

    def seal(self) -> None:
        self.behind.seal()

    def published(self) -> None:
        self.behind.published()

    def unseal(self) -> None:
        self.behind.unseal()

    def stopped(self) -> str:
        return self.behind.stopped()

    def discard(self) -> None:
        self.behind.discard()

    def _stop(self, read: str) -> NoReturn:
        first = "" if self.first is None else f"; the first is {self.first.told()}"
        raise DataError(
            f"{count(self.count, 'row')}{read} are bad, and at most {self.most} may be{first}",
            where=self.stopped(),
            todo="nothing was published; all are kept there: correct the source or the options and run again, or allow "
            "more (--max-bad)",
            code="bad-rows-exceeded",
        )


def check(spec: JobSpec) -> None:
    """Raises UserError for a number of bad rows that is none, or that nobody keeps."""
    if spec.max_bad is None:
        return
    MostBad.parse(spec.max_bad, "max_bad")
    if spec.bad_rows is None:
        raise UserError(
            "max_bad says how many bad rows may be set aside, and there is no place for them",
            todo="name one: --bad-rows DIR (in tow.yaml bad_rows); without it the first bad row stops the load",
            code="option-missing",
        )


def letters(spec: JobSpec, load_id: str) -> Letters | Limited | None:
    """Keeps the bad rows of one load; None where the first bad row stops the load. Raises UserError for an address that
    is neither a folder nor a topic."""
    if spec.bad_rows is None:
        return None
    kept = _letters(spec, spec.bad_rows, load_id)
    return kept if spec.max_bad is None else Limited(kept, MostBad.parse(spec.max_bad))


def _letters(spec: JobSpec, bad_rows: str, load_id: str) -> Letters:
    if not is_address(bad_rows, spec.connections):
        return DeadLetters(Path(bad_rows), load_id, spec)
    from towpath import assemble_topics
    from towpath.deadletters_topic import TopicLetters

    at = assemble.located(bad_rows, spec.connections, spec.folder)
    if at.kind != "topic":
        raise UserError(
            f"bad rows go into a folder or a topic, and {at} is neither",
            todo="name a folder, or kafka://host:9092#topic",
            code="option-wrong",
        )
    return TopicLetters(assemble_topics.opened(at)[1], assemble_topics.named(at), load_id)


def place(spec: JobSpec) -> str:
    """Where they go, as it was written, without secrets; a connection stands for its address."""
    said = str(spec.bad_rows)
    head, sign, rest = said.partition("#")
    named = is_address(said, spec.connections) and SCHEME.match(said) is None
    return shown(f"{spec.connections[head].partition('#')[0]}{sign}{rest}" if named else said)


def finish(spec: JobSpec, load_id: str) -> None:
    """Names the bad rows of a published load as such, where they still wait for that."""
    if spec.bad_rows is not None and not is_address(spec.bad_rows, spec.connections):
        deadletters.finish(Path(spec.bad_rows), load_id)


def is_address(text: str, connections: Mapping[str, str] | None = None) -> bool:
    """Whether it is a URL, or something of one of these connections, and not a folder."""
    head, sign, _ = text.partition("#")
    return SCHEME.match(text) is not None or bool(sign and connections and head in connections)
