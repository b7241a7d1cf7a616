from __future__ import annotations

import re

import pytest

from towpath.cli.main import main


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("cpy", "tow: there is no command 'cpy'; did you mean 'copy'?"),
        ("--verson", "tow: there is no option --verson; did you mean --version?"),
        ("copy a b --tpyes zip=text", "tow copy: there is no option --tpyes; did you mean --types?"),
        ("copy a --tpyes", "tow copy: there is no option --tpyes; did you mean --types?"),
        ("copy a b --tpyes=zip=text", "tow copy: there is no option --tpyes; did you mean --types?"),
        ("copy a b --mod merge", "tow copy: there is no option --mod; did you mean --mode?"),
        ("copy a b -x", "tow copy: there is no option -x"),
        (
            "-q copy a b",
            "tow: there is no option -q before the command; write it behind, such as `tow copy SRC DST -q`",
        ),
        ("copy a.csv", "tow copy: needs DST"),
        ("copy", "tow copy: needs SRC, DST"),
        ("copy a b c", "tow: there are too many words: c; a pattern, or a value with blanks, stands in quotes"),
        ("copy a b --mode", "tow copy: --mode needs a value"),
        (
            "copy a b --mode marge",
            "tow copy: --mode takes create, append, replace, merge, not 'marge'; did you mean merge?",
        ),
        ("copy a b --log xml", "tow copy: --log takes text, json, not 'xml'"),
        ("peek a -n x", "tow peek: -n takes a whole number, not 'x'"),
        ("copy a b --json=x", "tow copy: --json: ignored explicit argument 'x'"),
    ],
)
def test_a_wrong_command_line_is_one_message_and_exit_2(
    line: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(line.split())
    out, err = capsys.readouterr()
    assert (end.value.code, out) == (2, "")
    command = told.partition(":")[0]
    assert re.sub(r" \[[a-z-]+\]", "", err) == f"{told}\n  see {command} --help\n"


def test_a_value_that_begins_with_a_hyphen_is_no_option() -> None:
    from towpath.cli.main import parser

    args = parser().parse_args(["copy", "-", "-", "--where", "-amount > 3", "--limit", "-1"])
    assert (args.where, args.limit, args.source) == ("-amount > 3", -1, "-")
