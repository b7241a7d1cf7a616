"""Every sample in the tutorial and the how-to pages runs as it stands there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs import samples

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted(page for page in DOCS.rglob("*.md") if any(True for _ in samples.samples(page.read_text("utf-8"))))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_the_samples_of_a_page_run_as_they_stand_there(page: Path, tmp_path: Path) -> None:
    assert samples.run(page.read_text("utf-8"), tmp_path) > 0


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
