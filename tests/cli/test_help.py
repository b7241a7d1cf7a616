from __future__ import annotations

import itertools
import subprocess
import sys

import pytest

from towpath.cli import job_options
from towpath.cli.main import GROUPS, main, parser
from towpath.cli.parsing import commands
from towpath.nouns import Guarantee, Mode

GIVEN = commands(parser())
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
    assert all(f"\n  {command} " in out for command in GIVEN)
    assert max(map(len, out.splitlines())) < 80
    assert [line for line in out.splitlines() if line.endswith(":")] == [f"{title}:" for title in GROUPS]


def test_the_modes_of_the_options_are_those_of_the_mover() -> None:
    assert tuple(str(mode) for mode in Mode) == job_options.MODES
    assert {*job_options.GUARANTEES, "at-least-once"} == {str(one) for one in Guarantee}


def test_every_example_of_the_help_is_a_line_that_parses() -> None:
    import shlex

    for action in parser()._subparsers._group_actions[0].choices.values():  # type: ignore[union-attr]
        examples = action.epilog.splitlines()[1:]
        for example in examples:
            words = itertools.takewhile(lambda word: word not in "<>|", shlex.split(example)[1:])
            assert parser().parse_args(list(words)).run is not None, example


@pytest.mark.parametrize(
    "arguments",
    ["--help", "help"],
)
def test_a_command_of_the_help_is_asked_for_in_two_ways(arguments: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = []
    for words in ([arguments], ["copy", "--help"], ["help", "copy"]):
        with pytest.raises(SystemExit) as end:
            main(words)
        assert end.value.code == 0
        found.append(capsys.readouterr().out)
    assert found[0].startswith("usage: tow COMMAND")
    assert found[1] == found[2]


def test_no_words_at_all_are_answered_with_three_examples(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    examples = [line.strip().partition("   ")[0] for line in told.err.splitlines() if line.startswith("  tow ")]
    assert len(examples) == 3
    assert all(parser().parse_args(example.split()[1:]).run is not None for example in examples)
    assert max(map(len, told.err.splitlines())) < 80


@pytest.mark.parametrize("name", GIVEN)
def test_the_options_about_what_is_said_come_after_every_command(name: str) -> None:
    known = GIVEN[name]._option_string_actions
    nested = commands(GIVEN[name])
    for one in nested.values() if nested else [GIVEN[name]]:
        known = one._option_string_actions
        assert {"-q", "--quiet", "-v", "--verbose", "--log"} <= known.keys()


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    from importlib.metadata import version

    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out == f"tow {version('towpath')}\n"
