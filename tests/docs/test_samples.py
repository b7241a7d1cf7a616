"""Every sample in the tutorial and the how-to pages runs as it stands there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from tests.docs import samples
from towpath.lab import Lab
from towpath.secrets.secret import Secret

DOCS = Path(__file__).parents[2] / "docs"
LONG = 8
"""From so many commands on, each of which starts a process, a page is slow."""


def pages() -> Iterator[ParameterSet]:
    """The pages with samples. Those of error codes, which a build puts here, are tested beside the catalogue."""
    for page in sorted(DOCS.rglob("*.md")):
        text = page.read_text("utf-8")
        if page.parent.name != "codes" and any(True for _ in samples.samples(text)):
            marks = [pytest.mark.slow] if text.count("\n$ ") >= LONG else []
            marks += [pytest.mark.server(*asked)] if (asked := samples.servers(text)) else []
            yield pytest.param(page, marks=marks, id=str(page.relative_to(DOCS)))


@pytest.mark.parametrize("page", list(pages()))
def test_the_samples_of_a_page_run_as_they_stand_there(page: Path, tmp_path: Path, lab: Lab) -> None:
    text = page.read_text("utf-8")
    needed = [item for name in samples.servers(text) for item in lab.up(name).environment.items()]
    environment = {name: value.reveal() if isinstance(value, Secret) else value for name, value in needed}
    if "$ tow lab up" not in text:  # whose servers run as another user
        (tmp_path / ".tmp").mkdir()
        environment["TMPDIR"] = str(tmp_path / ".tmp")  # `tow doctor` looks there, and would see what other tests do
    try:
        assert samples.run(text, tmp_path, environment) > 0
    finally:
        if "$ tow lab up" in text:  # where the page's own `tow lab down` was not reached
            samples.run("```console\n$ tow lab down\n```\n", tmp_path, environment)


def test_a_sample_that_says_something_else_is_seen(tmp_path: Path) -> None:
    samples.run("```console\n$ echo one; echo two\none\n...\n```\n", tmp_path)
    with pytest.raises(AssertionError, match="line 2"):
        samples.run("```console\n$ echo one\ntwo\n```\n", tmp_path)


def test_a_sample_with_another_exit_code_is_seen(tmp_path: Path) -> None:
    samples.run("```console\n$ exit 3\n(exit 3)\n```\n", tmp_path)
    with pytest.raises(AssertionError, match="exit 3"):
        samples.run("```console\n$ exit 3\n```\n", tmp_path)


def test_files_commands_and_python_meet_in_one_folder(tmp_path: Path) -> None:
    file = "```{code-block} text\n:caption: in/a.txt\n\nhello\n```\n"
    console = "```console\n$ cat in/a.txt > b.txt\n```\n"
    python = "```python\nfrom pathlib import Path\n\nassert Path('b.txt').read_text() == 'hello\\n'\n```\n"
    assert samples.run(file + console + python, tmp_path) == 3
