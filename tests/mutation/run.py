"""Mutates the kernel and tells which mutants no test noticed: `make mutants TARGET=books`, or all without a target.

Exit 0 when each survivor stands in equivalent.toml with a reason, else 1. A line that raises is left as it is: what a
message says is held by the golden messages. Works on a copy in build/mutants, with mutmut, which remembers there what
it did: the same command goes on after it was stopped, and tries again what survived or has changed.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
MUTMUT = str(Path(sys.executable).with_name("mutmut"))
_SURVIVED = (0, 33)  # the exit codes of tests that passed, and of none that came by
_LENGTHS = re.compile(r", (strict=\w+)?(?=\))")
_CONFIG = """
[tool.mutmut]
source_paths = ["src/"]
only_mutate = {files}
do_not_mutate_patterns = ['^\\s*raise ']
also_copy = ["docs/", "README.md", "CHANGELOG.md", "examples/"]
pytest_add_cli_args = ["-m", "not lab and not slow and not attack", "-p", "no:xdist", "-x", "-W", "ignore:(rm_rf)"]
pytest_add_cli_args_test_selection = {tests}
process_isolation = "forkserver"
"""


@dataclass(frozen=True)
class Change:
    """What a mutant does: in `file` the lines `was` became `now`."""

    file: str
    was: str
    now: str

    @property
    def is_silent(self) -> bool:
        """Whether the code only ceased to assert, by `strict=True`, that what it zips has one length."""
        return "strict=True" in self.was and _LENGTHS.sub("", self.was) == _LENGTHS.sub("", self.now)


def copied(name: str, target: dict[str, list[str]]) -> Path:
    """A copy of the checkout that mutmut is set up in; what it remembers from last time stays."""
    place = ROOT / "build" / "mutants" / name
    place.mkdir(parents=True, exist_ok=True)
    for old in ("src", "tests", "docs"):
        shutil.rmtree(place / old, ignore_errors=True)
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    compiled = [str(path.relative_to(ROOT)) for path in (ROOT / "src").rglob("*.so")]
    for path in [*listed.splitlines(), *compiled]:
        if (ROOT / path).is_file():
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / path, place / path)
    files = [f"src/towpath/{file}" for file in target["files"]]
    config = _CONFIG.format(files=json.dumps(files), tests=json.dumps(target["tests"]))
    with (place / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(config)
    return place


def environment(place: Path) -> dict[str, str]:
    """Tests have temporary folders of their own: one that another run of pytest clears too would fail them all."""
    folder = place / "tmp"
    folder.mkdir(exist_ok=True)
    return {**os.environ, "PYTEST_DEBUG_TEMPROOT": str(folder)}


def forget(place: Path) -> None:
    """What survived is tried again, by the tests as they are now."""
    (place / "mutants" / "mutmut-stats.json").unlink(missing_ok=True)
    for meta in (place / "mutants" / "src").rglob("*.meta"):
        kept = json.loads(meta.read_text("utf-8"))
        codes = kept["exit_code_by_key"]
        kept["exit_code_by_key"] = {name: None if code in _SURVIVED else code for name, code in codes.items()}
        meta.write_text(json.dumps(kept), "utf-8")


def results(place: Path) -> dict[str, int | None]:
    """The exit code of the tests for each mutant, None where it was not tried."""
    found: dict[str, int | None] = {}
    for meta in sorted((place / "mutants" / "src").rglob("*.meta")):
        found |= json.loads(meta.read_text("utf-8"))["exit_code_by_key"]
    return found


def change(place: Path, mutant: str) -> Change:
    shown = subprocess.run([MUTMUT, "show", mutant], cwd=place, check=True, capture_output=True, text=True).stdout
    lines = shown[shown.index("--- ") :].splitlines()
    was = "\n".join(line[1:].strip() for line in lines[2:] if line.startswith("-"))
    now = "\n".join(line[1:].strip() for line in lines[2:] if line.startswith("+"))
    return Change(lines[0].removeprefix("--- src/towpath/"), was, now)


def run(name: str, target: dict[str, list[str]], share: float, seed: int, children: int) -> bool:
    """Whether each survivor of the target is known to be equivalent."""
    place = copied(name, target)
    forget(place)
    command = [MUTMUT, "run", "--max-children", str(children)]
    if share < 1:
        subprocess.run([*command, "none-is-called-so"], cwd=place, check=False, capture_output=True)  # makes them
        mutants = sorted(results(place))
        chosen = random.Random(f"{seed}:{name}").sample(mutants, max(1, round(len(mutants) * share)))
        command += chosen
    log = place / "mutmut.log"
    with log.open("w") as file:
        subprocess.run(command, cwd=place, env=environment(place), check=False, stdout=file, stderr=subprocess.STDOUT)
    codes = results(place)
    if not any(code is not None for code in codes.values()):
        raise SystemExit(f"{name}: mutmut made nothing of it: read {log}")
    known = {
        Change(entry["file"], entry["was"], entry["now"])
        for entry in tomllib.loads((HERE / "equivalent.toml").read_text("utf-8")).get("mutant", [])
    }
    survivors = [mutant for mutant, code in codes.items() if code in _SURVIVED]
    changes = [change(place, mutant) for mutant in survivors]
    unknown = [found for found in changes if found not in known and not found.is_silent]
    counted = Counter(
        "not tried" if code is None else "survived" if code in _SURVIVED else "killed" for code in codes.values()
    )
    print(
        f"{name}: {len(codes)} mutants, {counted['killed']} killed, {len(survivors) - len(unknown)} equivalent, "
        f"{len(unknown)} that no test noticed, {counted['not tried']} not tried"
    )
    for found in unknown:
        print(f"  {found.file}\n    - {found.was}\n    + {found.now}")
    return not unknown


def main() -> None:
    targets = tomllib.loads((HERE / "targets.toml").read_text("utf-8"))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", nargs="*", metavar="TARGET", help=f"one of {', '.join(targets)}; all by default")
    parser.add_argument("--share", type=float, default=1.0, help="the share of the mutants to try")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--children", type=int, default=2, help="how many are tried at once")
    given = parser.parse_args()
    if unknown := set(given.target) - set(targets):
        parser.error(f"no target is called {', '.join(sorted(unknown))}: {', '.join(targets)}")
    if given.share < 1:
        print(f"the same mutants again: --share {given.share:g} --seed {given.seed}")
    fine = [run(name, targets[name], given.share, given.seed, given.children) for name in given.target or targets]
    raise SystemExit(0 if all(fine) else 1)


if __name__ == "__main__":
    main()
