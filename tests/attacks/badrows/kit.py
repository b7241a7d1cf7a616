"""A load of rows of which some are known to be bad, the books that it owes, and the putting right of what it kept."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.attacks.badrows.ends import End
from tests.attacks.badrows.made import RULES, TYPES, Fault, Made, csv_line, json_line
from tests.attacks.kills.warm import Run, Warm


@dataclass
class Load:
    """`tow run` of one step, which reads `made` in the form `name` (of the file) into `end`."""

    tow: Warm
    end: End
    made: Made
    name: str = "a.csv"
    more: str = ""

    @property
    def folder(self) -> Path:
        return self.end.folder

    @property
    def bad(self) -> Path:
        return self.folder / "bad"

    @property
    def env(self) -> dict[str, str]:
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        return {"TOWPATH_STATE": str(home), "TMPDIR": str(home), "XDG_CONFIG_HOME": str(home), **self.end.env()}

    def begin(self) -> None:
        (self.folder / self.name).write_bytes(self.made.text)
        types = ", ".join(
            f'{one.partition("=")[0]}: "{one.partition("=")[2]}"' for one in TYPES.replace("(12,2)", "@").split(",")
        )
        (self.folder / "tow.yaml").write_text(
            "pipeline: p\nsteps:\n  load:\n"
            f"    from: {self.name}\n    to: {json.dumps(self.end.address)}\n    mode: append\n    bad_rows: bad\n"
            f"    types: {{{types.replace('@', '(12,2)')}}}\n    rules:\n"
            + "".join(f"      - {rule}\n" for rule in RULES)
            + self.more
        )  # fmt: skip

    def run(self, *words: str) -> Run:
        return self.tow.run(words or ("run", "--json"), self.folder, self.env)

    def done(self, *words: str) -> dict[str, Any]:
        """The receipt of a run that ended well."""
        run = self.run(*words)
        assert run.code == 0, (run.err + run.out)[-3000:]
        (receipt,) = run.receipts()
        return receipt

    def letters(self) -> list[dict[str, Any]]:
        """All kept rows, of whatever load."""
        return [one for _, rows in self.files() for one in rows]

    def files(self) -> Iterator[tuple[Path, list[dict[str, Any]]]]:
        for path in sorted(self.bad.glob("[!.]*/rows.jsonl")):
            assert "." not in path.parent.name, f"{path.parent.name} is not a published load's"
            yield path, [json.loads(line) for line in path.read_text("utf-8").splitlines()]

    def check_letters(self) -> None:
        """Each fault is kept once, with its place, bytes, edge, column and a reason, and nothing else is."""
        kept = self.letters()
        lines, wrong = Counter(one["line"] for one in kept), {one.line: one for one in self.made.faults}
        assert lines == Counter(list(wrong)), (
            f"lost: {[wrong[one] for one in wrong if one not in lines]}, doubled or more:"
            f" {[one for one in kept if one['line'] not in wrong or lines[one['line']] > 1]}"
        )
        by_line = {one["line"]: one for one in kept}
        for fault in self.made.faults:
            one = by_line[fault.line]
            told = f"{fault}\n{one}"
            assert (Path(one["file"]).name, one["edge"], one["column"]) == (self.name, fault.edge, fault.column), told
            assert raw(one) == fault.raw.rstrip(), told  # blanks at the end of a line of JSON belong to no record
            assert one["reason"], told

    def check_books(self, receipt: dict[str, Any]) -> None:
        given, aside = len(self.made.good) + len(self.made.faults), len(self.made.faults)
        edges = receipt["books"]
        assert (receipt["rows"], receipt["set_aside"]) == (given - aside, aside)
        assert edges[0]["given"] == given
        assert sum(edge["aside"] for edge in edges) == aside
        for before, after in pairwise(edges):
            assert before["accepted"] == after["given"]

    def mend(self, faults: list[Fault] | None = None) -> None:
        """Puts the kept records right (default: all) by editing the file that they are kept in."""
        right = {one.line: one.right for one in (self.made.faults if faults is None else faults)}
        line = json_line if self.name.endswith("jsonl") else csv_line
        for path, kept in self.files():
            for one in kept:
                if one["line"] in right:
                    one.pop("raw_base64", None)
                    one["raw"] = line(right[one["line"]]).rstrip("\n")
            path.write_text("".join(json.dumps(one) + "\n" for one in kept), "utf-8")


def raw(letter: dict[str, Any]) -> bytes:
    """The record's own bytes."""
    coded = letter.get("raw_base64")
    return base64.b64decode(coded) if coded is not None else str(letter["raw"]).encode()
