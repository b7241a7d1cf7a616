"""Scenes of destinations on Kafka: a topic of each format, made by the load or there already."""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
import time
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path

from tests.attacks.kills.kit import Scene
from tests.attacks.kills.warm import Warm
from tests.kafkakit import kafka, produce
from towpath.lab import Server
from towpath.lab.faults.proxy import Proxy

ROWS = 300
_SCHEMA = {
    "type": "record",
    "name": "order",
    "fields": [{"name": "id", "type": "long"}, {"name": "k", "type": "string"}],
}


@dataclass(frozen=True)
class Case:
    """One topic in one mode. `there`: messages it holds beforehand, None where it does not exist."""

    name: str
    mode: str
    there: int | None = None
    opts: str = ""

    def __str__(self) -> str:
        return f"{self.name}-{self.mode}"


CASES = [
    Case("new", "create"),
    Case("empty", "create", 0),
    Case("json", "append", 5),
    Case("keyed", "append", 5, "key: id"),
    Case("avro", "append", 0, "value: avro, schema: order.avsc"),
    Case("raw", "append", 5, "value: raw"),
]


class TopicScene(Scene):
    """One case, in a topic of its own each time; the step reads `in.csv`. Messages are told apart by their values."""

    def __init__(self, case: Case, folder: Path, server: Server, proxy: Proxy | None = None) -> None:
        super().__init__(folder)
        self.case, self.server, self.proxy = case, server, proxy
        self.topic = f"kills-{secrets.token_hex(6)}"
        self.queue = kafka(server)
        self.env["TMPDIR"] = str(folder / "tmp")
        self._seen: dict[object, Hashable] = {}

    def begin(self, tow: Warm) -> None:
        for name in ("home", "tmp"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        (self.folder / "tmp").mkdir(exist_ok=True)
        (self.folder / "order.avsc").write_text(json.dumps(_SCHEMA))
        head, row = ("key,value", "k{0},v{0}") if self.case.name == "raw" else ("id,k", "{0},k{0}")
        lines = "\n".join(row.format(number) for number in range(ROWS))
        (self.folder / "in.csv").write_text(f"{head}\n{lines}\n")
        address = self.server.address if self.proxy is None else self.proxy.through(self.server.address)
        opts = f", options: {{{self.case.opts}}}" if self.case.opts else ""
        (self.folder / "tow.yaml").write_text(
            "pipeline: shop\nsteps:\n  orders:\n    from: in.csv\n"
            f"    to: {{address: '{address}?timeout_secs=4#{self.topic}'{opts}}}\n    mode: {self.case.mode}\n"
        )
        if self.case.there is not None:
            self.queue.create(self.topic, 1, 0, {})
            produce(self.server, self.topic, [f'{{"id": -{number}}}'.encode() for number in range(self.case.there)])

    def see(self) -> Hashable:
        """What a consumer of committed messages gets, sorted; whole as often as their ends have moved."""
        if self.queue.topic(self.topic) is None:
            return None
        spans = {number: (span.first, span.end) for number, span in self.queue.spans(self.topic).items()}
        ends = tuple(spans.items())
        if ends not in self._seen:
            with self.queue.read(self.topic, spans, 1 << 20) as batches:
                values = sorted(value for rows in batches for value in rows.column("value").to_pylist())
            digest = hashlib.sha256(b"\n".join(values)).hexdigest()
            self._seen[ends] = (len(values), digest) if values else None
        return self._seen[ends]

    def leftovers(self) -> list[str]:
        found = [str(path) for path in (self.folder / "tmp").iterdir()]
        if not self.settled():
            found.append("a transaction under way")
        return found

    def settled(self, secs: float = 2.0) -> bool:
        """Whether no transaction is under way, waited for so long: the broker ends one a little after it says so."""
        until = time.monotonic() + secs
        while any(span.end < span.written for span in self.queue.spans(self.topic).values()):
            if time.monotonic() > until:
                return False
            time.sleep(0.02)
        return True


class LettersScene(Scene):
    """A file of which 20 rows are bad, into a file; the bad rows go to a topic."""

    BAD = 20

    def __init__(self, folder: Path, server: Server, proxy: Proxy) -> None:
        super().__init__(folder)
        self.server, self.proxy = server, proxy
        self.topic = f"letters-{secrets.token_hex(6)}"
        self.queue = kafka(server)
        self.env["TMPDIR"] = str(folder / "tmp")

    def begin(self, tow: Warm) -> None:
        (self.folder / "tmp").mkdir(exist_ok=True)
        lines = [f"{'x' if number % 10 == 7 else number},k" for number in range(10 * self.BAD)]
        (self.folder / "in.csv").write_text("id,k\n" + "\n".join(lines) + "\n")
        letters = f"{self.proxy.through(self.server.address)}?timeout_secs=4#{self.topic}"
        (self.folder / "tow.yaml").write_text(
            "pipeline: shop\nsteps:\n  orders:\n    from: in.csv\n    types: {id: int64}\n"
            f"    to: out.csv\n    bad_rows: '{letters}'\n"
        )

    def see(self) -> Hashable:
        file = self.folder / "out.csv"
        return hashlib.sha256(file.read_bytes()).hexdigest() if file.exists() else None

    def letters(self) -> dict[bytes, bytes]:
        """The bad rows that a consumer of committed messages has: a row that came twice has the same key."""
        if self.queue.topic(self.topic) is None:
            return {}
        spans = {number: (span.first, span.end) for number, span in self.queue.spans(self.topic).items()}
        with self.queue.read(self.topic, spans, 1 << 20) as batches:
            return {row["key"]: row["value"] for rows in batches for row in rows.to_pylist()}

    def leftovers(self) -> list[str]:
        found = self.letters()
        assert len(found) == self.BAD, f"{len(found)} of {self.BAD} bad rows are kept"
        assert set(found.values()) == {b"x,k"}
        return [path.name for path in (self.folder / "tmp").iterdir()]
