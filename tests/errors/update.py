"""Rewrites the golden messages: `python -m tests.errors.update [FAULT...]`. Read each change as its reader would."""

from __future__ import annotations

import sys

from tests.errors.faults import FAULTS
from tests.errors.run import GOLDEN, CannotInject, Runner, golden_path


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


if __name__ == "__main__":
    main()
