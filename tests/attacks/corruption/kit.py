"""What the attacks on bytes share: making the cases in a process of their own, and what each must have come to."""

from __future__ import annotations

import io
import os
import pickle
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tests.attacks.corruption.warm import Outcome, Task

ROOT = Path(__file__).parents[3]


def attacked(task: Task) -> tuple[Outcome, list[Outcome]]:
    """The outcome of the whole file, and those of its damaged copies."""
    whole, *broken = made(replace(task, damages=[None, *task.damages]))
    assert whole.code == 0, whole
    assert len(broken) == len(task.damages)
    return whole, broken


def made(task: Task) -> list[Outcome]:
    """The outcome of each case, made in a process of its own."""
    with open(task.folder.parent / "stderr-parent.txt", "wb") as log:
        done = subprocess.run(
            [sys.executable, "-c", "from tests.attacks.corruption.warm import main; main()"],
            input=pickle.dumps(task),
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])},
            check=True,
        )
    stream, found = io.BytesIO(done.stdout), []
    while stream.tell() < len(done.stdout):
        found.append(pickle.load(stream))
    return found


def faults(task: Task, whole: Outcome, broken: list[Outcome], right: Callable[[Outcome], bool]) -> list[str]:
    """What is wrong with the outcomes, one line each: a crash, a hang, memory, a traceback, an error that does not say
    where, something published in spite of it; or a success that is not `right`."""
    return [f"{one.damage}: {what}" for one in broken if (what := _fault(task, one, right))]


def _fault(task: Task, one: Outcome, right: Callable[[Outcome], bool]) -> str:
    if one.died:
        return f"{one.died}\n{one.said[-1500:]}"
    if "Traceback" in one.said or "defect" in one.said or one.code not in (0, *task.codes):
        return f"code {one.code}: {one.said[-700:]}"
    if one.grown > task.memory:
        return f"took {one.grown >> 20} MiB"
    if one.code == 0:
        return "" if right(one) else f"was read wrongly: {(one.made or b'')[:300]!r}"
    if one.made is not None and not task.shows:
        return f"published in spite of {one.said}"
    if one.left:
        return f"left {one.left} behind"
    if one.code == 1 and (Path(task.victim).name not in one.said or "[" not in one.said):
        return f"does not say where: {one.said}"
    return ""


def told(name: str, broken: list[Outcome], whole: Outcome) -> str:
    """A line of figures: how many copies were refused, read as they were, or read as something else."""
    counts = Counter(
        "refused" if one.code else "the same" if one.made == whole.made else "other" for one in broken if not one.died
    )
    figures = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
    slowest = max(one.seconds for one in broken)
    return f"{name}: {len(broken)} damaged copies: {figures}; slowest {slowest:.2f} s, most memory " + (
        f"{max(one.grown for one in broken) >> 20} MiB"
    )
