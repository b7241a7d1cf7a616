"""Rewrites the golden messages and the examples of the pages: `python -m tests.errors.update [FAULT...]`.

Read each change as its reader would."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from tests.errors.faults import FAULTS
from tests.errors.run import GOLDEN, ROOT, CannotInject, Runner, golden_path

PAGES = ROOT / "src" / "towpath" / "errors_catalogue" / "pages"
_EXAMPLE = re.compile(r"(<!-- example: ([a-z0-9-]+) -->\n```console\n).*?(```\n)", re.DOTALL)


def main() -> None:
    GOLDEN.mkdir(exist_ok=True)
    wanted = set(sys.argv[1:])
    with Runner() as runner:
        for fault in FAULTS:
            if fault.pending or (wanted and fault.id not in wanted):
                continue
            try:
                golden_path(fault).write_text(runner.run(fault).golden(fault), "utf-8")
            except CannotInject as error:
                print(f"{fault.id}: left as it is: {error}", file=sys.stderr)
    for page in PAGES.glob("*.md"):
        page.write_text(_EXAMPLE.sub(_example, page.read_text("utf-8")), "utf-8")


def _example(found: re.Match[str]) -> str:
    path: Path = GOLDEN / f"{found[2]}.txt"
    return f"{found[1]}{path.read_text('utf-8')}{found[3]}"


if __name__ == "__main__":
    main()
