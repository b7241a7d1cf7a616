from __future__ import annotations

import base64
import html
import io
import json
import logging
import shlex
import sys
import traceback
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from towpath.errors import DataError, UserError
from towpath.secrets import Secret, redact

NASTY = "p'w\"%@ é\\n/+=ü{}"


@pytest.mark.parametrize(
    "shown",
    [
        str,
        repr,
        ascii,
        json.dumps,
        lambda value: json.dumps(value, ensure_ascii=False),
        lambda value: repr(repr(value)),
        lambda value: json.dumps(json.dumps(value)),
        lambda value: repr(f'it\'s "{value}"'),
        lambda value: repr({"a'b": [f'"{value}']}),
        lambda value: repr(value.encode()),
        lambda value: value.encode().hex(),
        quote,
        lambda value: quote(value, safe=""),
        quote_plus,
        lambda value: quote(value, safe="").lower(),
        shlex.quote,
        html.escape,
        lambda value: "attach 'x' (key '" + value.replace("'", "''") + "')",
        lambda value: base64.b64encode(value.encode()).decode(),
        lambda value: base64.b64encode(b"ann:" + value.encode() + b":x").decode(),
        lambda value: base64.urlsafe_b64encode(b"ab" + value.encode() + b"yz").decode(),
        lambda value: base64.urlsafe_b64encode(b"a" + value.encode()).decode(),
    ],
)
def test_a_known_value_is_removed_in_every_form(shown: object) -> None:
    redact.known(NASTY)
    text = f"before {shown(NASTY)} behind"  # type: ignore[operator]
    cleaned = redact.clean(text)
    assert redact.HIDDEN in cleaned
    assert (cleaned[:7], cleaned[-7:]) == ("before ", " behind")
    for piece in (NASTY, NASTY[2:10], "é", "%C3%A9", "%c3%a9", NASTY.encode().hex()[8:16]):
        assert piece not in cleaned


@given(st.text(min_size=4, max_size=30), st.binary(max_size=5), st.binary(max_size=5))
def test_base64_of_a_value_is_found_however_it_is_aligned(value: str, before: bytes, behind: bytes) -> None:
    raw = value.encode("utf-8", "surrogatepass")
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        coded = encode(before + raw + behind).decode()
        found = max((form for form in redact._base64(raw) if form in coded), key=len)
        assert len(found) >= len(raw) * 8 // 6 - 1


@given(st.text(min_size=4, max_size=20))
def test_every_form_of_a_value_holds_all_of_it(value: str) -> None:
    """A form that lacks an end would be found in other words."""
    if value.isascii() and value.isalnum():
        assert all(
            value in form for form in redact.forms(value) - redact._base64(value.encode()) if len(form) < 2 * len(value)
        )


def test_the_lines_of_a_value_are_removed_one_by_one() -> None:
    redact.known("-----BEGIN KEY-----\nabcdefgh\nijklmnop\n}\n-----END KEY-----\n")
    assert redact.clean("file has abcdefgh, then\n  ijklmnop") == "file has ***, then\n  ***"
    assert redact.clean("a } stays") == "a } stays"


def test_values_that_overlap_are_removed_whole() -> None:
    redact.known("abcdef")
    redact.known("defghi")
    redact.known("abcd")
    assert redact.clean("x abcdefghi y abcdabcd z") == "x *** y *** z"


def test_a_short_value_is_told_once_by_its_name_and_stays(caplog: pytest.LogCaptureFixture) -> None:
    redact.known("abc", "${env:X}")
    redact.known("abc", "${env:X}")
    assert redact.clean("abc") == "abc"
    assert [record.getMessage() for record in caplog.records] == [
        "${env:X} has fewer than 4 characters: too short to be taken out of messages"
    ]


def test_an_ordinary_word_is_told_once_and_stays_for_its_absence_would_tell_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    for value in ("password", "Password", "true"):
        redact.known(value, f"${{env:{value}}}")
    assert redact.clean("the password is true") == "the password is true"
    assert len(caplog.records) == 3
    assert "is an ordinary word" in caplog.text
    redact.known("password1")
    assert redact.clean("the password1 is true") == "the *** is true"


def test_a_name_in_json_stays_though_it_is_a_secret_too(capsys: pytest.CaptureFixture[str]) -> None:
    redact.known("inserted")
    with redact.streams():
        print(json.dumps({"inserted": 5, "why": "5 inserted", "steps": [{"inserted": "x"}]}))
    assert json.loads(capsys.readouterr().out) == {"inserted": 5, "why": "5 ***", "steps": [{"inserted": "x"}]}


def test_nothing_is_known_of_an_empty_value_or_of_what_stands_for_one() -> None:
    for value in ("", "   ", "***"):
        redact.known(value)
    assert redact.clean("a    *** b") == "a    *** b"


def test_making_a_secret_makes_it_known_and_it_shows_itself_to_nobody() -> None:
    secret = Secret("hunter2hunter2")
    assert redact.clean("it is hunter2hunter2") == "it is ***"
    assert "hunter2" not in f"{secret} {secret!r} {[secret]} {secret!s:>30}"
    assert secret.reveal() == "hunter2hunter2"


def test_an_error_is_clean_from_its_making_in_every_part() -> None:
    redact.known("hunter2hunter2")
    error = DataError("bad hunter2hunter2", where="hunter2hunter2.csv:1", todo="not hunter2hunter2")
    assert "hunter2" not in "".join((str(error), repr(error), error.what, error.where, error.todo, str(error.args)))


def test_streams_clean_words_and_tracebacks_with_their_chains_but_not_bytes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    redact.known("hunter2\nhunter3")
    with redact.streams():
        print("words hunter2\nhunter3")
        sys.stdout.writelines(["a hunter3\n"])
        sys.stdout.flush()
        sys.stdout.buffer.write(b"data hunter2\n")
        try:
            try:
                raise ValueError("driver said hunter2\nhunter3 and 'hunter2\\nhunter3'")
            except ValueError as error:
                raise UserError("wrong hunter3") from error
        except UserError:
            traceback.print_exc()
            sys.excepthook(*sys.exc_info())
    out.flush()
    assert out.buffer.getvalue().decode() == "words ***\na ***\ndata hunter2\n"  # type: ignore[attr-defined]
    assert "hunter" not in err.getvalue()
    assert err.getvalue().count("ValueError: driver said *** and '***'") == 2
    assert sys.stdout is out


def test_logs_are_clean_where_they_are_written(monkeypatch: pytest.MonkeyPatch) -> None:
    err = io.StringIO()
    monkeypatch.setattr(sys, "stderr", err)
    redact.known("hunter2hunter2")
    with redact.streams():
        handler = logging.StreamHandler(sys.stderr)
        logger = logging.Logger("x")
        logger.addHandler(handler)
        logger.error("key %s", "hunter2hunter2")
    assert err.getvalue() == "key ***\n"


def test_json_stays_json_though_a_number_in_it_is_a_secret(capsys: pytest.CaptureFixture[str]) -> None:
    redact.known("1234")
    document = {"rows": 12345, "why": "pin 1234", "1234": [0.1234]}
    with redact.streams():
        print(json.dumps(document))
        print(json.dumps(document, indent=2))
        print("{no json 1234")
    one, *more = capsys.readouterr().out.splitlines()
    cleaned = {"rows": 12345, "why": "pin ***", "***": [0.1234]}
    assert json.loads(one) == cleaned
    assert json.loads("".join(more[:-1])) == cleaned
    assert more[-1] == "{no json ***"


def test_the_errors_that_an_error_came_from_are_clean_too() -> None:
    redact.known("s3cret-canary")

    @redact.errors()
    def fail() -> None:
        try:
            raise OSError("cannot reach db://u:s3cret-canary@h")
        except OSError as error:
            raise ValueError("it failed with s3cret-canary") from error

    with pytest.raises(ValueError, match=r"it failed with \*\*\*") as met:
        fail()
    assert str(met.value.__cause__) == "cannot reach db://u:***@h"


def test_an_operating_system_error_names_no_secret_path() -> None:
    redact.known("s3cret-canary")
    with pytest.raises(FileNotFoundError) as met, redact.errors():
        Path("/nowhere/s3cret-canary/file").read_text()
    assert "canary" not in str(met.value)
