from __future__ import annotations

import subprocess
import sys

import pytest

from towpath.cli import job_options
from towpath.cli.main import main, parser
from towpath.nouns import Guarantee, Mode

COMMANDS = ("copy", "plan", "run", "peek", "verify", "replay", "runs", "adapters")
LOADED = """
import sys
from towpath.cli.main import main
before = set(sys.modules)
try:
    main({arguments!r})
except SystemExit as end:
    assert not end.code, end.code
names = {{name.partition(".")[0] for name in sys.modules}}
print(sorted(names - set(sys.stdlib_module_names) - {{"towpath", "__main__"}}), file=sys.stderr)
"""


@pytest.mark.parametrize(
    "arguments", [["--help"], *([command, "--help"] for command in COMMANDS), ["adapters"], ["runs"]]
)
def test_help_imports_nothing_that_is_not_pythons_own(arguments: list[str]) -> None:
    code = LOADED.format(arguments=arguments)
    done = subprocess.run([sys.executable, "-S", "-c", _with_path(code)], capture_output=True, text=True, check=True)
    allowed = {"pyarrow", "numpy"} if arguments == ["runs"] else set()
    extra = set(eval(done.stderr.splitlines()[-1])) - allowed
    assert not extra, f"{arguments} imports {sorted(extra)}"


def _with_path(code: str) -> str:
    return f"import sys; sys.path[:] = {sys.path!r}\n{code}"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_sentence_and_two_examples(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main([command, "--help"])
    assert end.value.code == 0
    text, _, examples = capsys.readouterr().out.partition("\nexamples:\n")
    assert text.startswith(f"usage: tow {command} ")
    assert len([line for line in examples.splitlines() if line.startswith(f"  tow {command}")]) >= 2


def test_all_commands_are_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    out = capsys.readouterr().out
    assert all(f"\n    {command} " in out for command in COMMANDS)


def test_the_modes_of_the_options_are_those_of_the_mover() -> None:
    assert tuple(str(mode) for mode in Mode) == job_options.MODES
    assert {*job_options.GUARANTEES, "at-least-once"} == {str(one) for one in Guarantee}


def test_every_example_of_the_help_is_a_line_that_parses() -> None:
    import shlex

    for action in parser()._subparsers._group_actions[0].choices.values():  # type: ignore[union-attr]
        examples = action.epilog.splitlines()[1:]
        for example in examples:
            assert parser().parse_args(shlex.split(example)[1:]).run is not None


@pytest.mark.parametrize(
    "arguments",
    [[], ["cpy"], ["copy", "a.csv"], ["copy", "a", "b", "--mode", "marge"], ["copy", "a", "b", "--mod", "merge"]],
)
def test_a_wrong_command_line_exits_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    assert capsys.readouterr().err.startswith("usage: tow")


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    from importlib.metadata import version

    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out == f"tow {version('towpath')}\n"
