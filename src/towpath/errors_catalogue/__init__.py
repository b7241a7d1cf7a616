"""Every error code and its page. The pages (`pages/CODE.md`) are the one source of `tow explain` and of the docs."""

from __future__ import annotations

import re
import textwrap
from importlib import resources

from towpath.errors import UserError
from towpath.options import nearest

_WIDTH = 80
_LIST = re.compile(r"(- |\d+\. )")

GROUPS: dict[str, tuple[str, ...]] = {
    "The command": (
        "command-unknown", "option-unknown", "option-wrong", "option-missing", "options-conflict",
        "argument-missing", "argument-unknown", "command-wrong", "code-unknown", "run-unknown", "library-missing",
        "codec-unknown", "codec-contradicted", "limit-bad", "sample-bad", "timezone-unknown", "load-column-unknown",
    ),
    "Addresses and paths": (
        "address-wrong", "adapter-unknown", "format-unclear", "table-unnamed", "table-missing", "path-missing",
        "path-empty", "path-kind-wrong", "permission-denied", "disk-full", "connection-unknown", "table-unknown",
        "destination-wrong", "file-unreadable",
    ),
    "Columns and types": (
        "column-unknown", "column-doubled", "columns-missing", "columns-differ", "column-required", "header-wrong",
        "type-unknown", "type-violated", "type-impossible", "cast-inexact", "value-refused", "name-impossible",
        "partition-wrong", "column-unfit", "column-fixed", "column-generated", "schema-frozen",
    ),
    "Broken data": (
        "record-malformed", "json-malformed", "text-undecodable", "file-damaged", "zip-unclear", "key-null",
        "key-doubled", "rule-broken", "rule-wrong", "dedupe-bad", "dedupe-tied", "order-nan",
    ),
    "The destination": (
        "destination-exists", "key-missing", "key-impossible", "mode-impossible", "guarantee-lacking",
        "format-differs", "folder-foreign", "database-locked", "constraint-violated", "conflict", "ddl-failed",
    ),
    "State and history": (
        "plan-changed", "file-changed", "checkpoint-foreign", "state-damaged", "source-changed", "bad-rows-missing",
        "bad-rows-damaged", "bad-rows-exceeded", "cursor-missing", "cursor-unordered", "cursor-wrong", "state-missing",
        "state-foreign",
        "state-forward", "backfill-unkeyed", "lookback-unkeyed", "lookback-bad", "cursor-value-bad", "window-empty",
        "window-of-whole", "trial-of-kept-step", "refresh-of-shared",
    ),
    "tow.yaml": (
        "yaml-syntax", "yaml-wrong", "step-unknown", "steps-circular", "reference-unset", "reference-wrong",
        "profile-unknown", "var-unknown", "var-wrong",
    ),
    "SQL and Python": (
        "sql-wrong", "sql-failed", "memory-short", "python-missing", "python-failed", "python-result-wrong",
    ),
    "The system": (
        "system-refused", "transient", "books-unbalanced", "refused", "data-bad", "error", "steps-stopped",
    ),
    "Secrets": (
        "secret-plain", "secret-hidden", "secret-name-wrong", "secret-unknown", "secret-wrong", "secrets-damaged",
        "secrets-locked", "passphrase-missing", "passphrase-wrong", "dotenv-wrong", "netrc-wrong",
        "service-unknown", "service-wrong", "encryption-key-wrong",
    ),
    "The lab": (
        "server-unknown", "server-unobtainable", "server-failed", "server-silent", "port-taken",
    ),
    "From Python": (
        "frame-unknown", "frame-unfit", "object-unfit", "rows-missing", "reader-read", "class-unfit",
        "class-unreadable",
    ),
}  # fmt: skip
"""The codes in the order of `tow explain`."""


def codes() -> tuple[str, ...]:
    return tuple(code for group in GROUPS.values() for code in group)


def source(code: str) -> str:
    """A code's page as Markdown. Raises UserError for a code that has none."""
    if code not in codes():
        raise UserError(
            f"there is no error {code!r}{nearest(code, codes())}",
            todo="`tow explain` lists them all",
            code="code-unknown",
        )
    return resources.files(__package__).joinpath("pages", f"{code}.md").read_text("utf-8")


def meaning(code: str) -> str:
    """What the code means, in one sentence: the first paragraph of its page."""
    return " ".join(source(code).split("\n\n")[1].split())


def page(code: str) -> list[str]:
    """The page as plain text of at most 80 columns; only what a command said is left as it was."""
    out: list[str] = []
    text = re.sub(r"<!--.*?-->\n", "", source(code.strip("[]")))
    for part in re.split(r"(^```.*?^```$)", text, flags=re.DOTALL | re.MULTILINE):
        if part.startswith("```"):
            out += ["", *(f"    {line}".rstrip() for line in part.splitlines()[1:-1])]
        else:
            out += _plain(part)
    return out[1:]


def listed() -> list[str]:
    """All codes in groups, each with what it means."""
    width = max(len(code) for code in codes())
    out: list[str] = []
    for name, group in GROUPS.items():
        out += ["", name]
        for code in group:
            first, *more = textwrap.wrap(meaning(code).replace("`", ""), _WIDTH - width - 4)
            out += [f"  {code.ljust(width)}  {first}", *(" " * (width + 4) + line for line in more)]
    return [*out[1:], "", "tow explain CODE shows one of them"]


def _plain(markdown: str) -> list[str]:
    """Paragraphs, headings and lists, each with an empty line before it."""
    out: list[str] = []
    for paragraph in markdown.strip().split("\n\n"):
        text = paragraph.strip()
        if text.startswith("#"):
            out += ["", text.lstrip("# ")]
        elif _LIST.match(text):
            out += ["", *(line for item in re.split(r"\n(?=- |\d+\. )", text) for line in _wrapped(item, "  "))]
        elif text:
            out += ["", *_wrapped(text, "")]
    return out


def _wrapped(text: str, indent: str) -> list[str]:
    words = " ".join(text.split())
    return textwrap.wrap(words, _WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
