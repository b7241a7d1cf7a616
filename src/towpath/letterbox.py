"""Where the bad rows of a job go, by what `--bad-rows` names: a folder, or a topic."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from towpath import assemble, deadletters
from towpath.deadletters import DeadLetters, Letters
from towpath.errors import UserError
from towpath.job import JobSpec
from towpath.url import SCHEME, shown


def letters(spec: JobSpec, load_id: str) -> Letters | None:
    """Keeps the bad rows of one load; None where the first bad row stops the load. Raises UserError for an address that
    is neither a folder nor a topic."""
    if spec.bad_rows is None:
        return None
    if not is_address(spec.bad_rows, spec.connections):
        return DeadLetters(Path(spec.bad_rows), load_id, spec)
    from towpath import assemble_topics
    from towpath.deadletters_topic import TopicLetters

    at = assemble.located(spec.bad_rows, spec.connections, spec.folder)
    if at.kind != "topic":
        raise UserError(
            f"bad rows go into a folder or a topic, and {at} is neither",
            todo="name a folder, or kafka://host:9092#topic",
            code="option-wrong",
        )
    return TopicLetters(assemble_topics.opened(at)[1], assemble_topics.named(at), load_id)


def place(spec: JobSpec) -> str:
    """Where they go, as it was written, without secrets; a connection stands for its address."""
    said = str(spec.bad_rows)
    head, sign, rest = said.partition("#")
    named = is_address(said, spec.connections) and SCHEME.match(said) is None
    return shown(f"{spec.connections[head].partition('#')[0]}{sign}{rest}" if named else said)


def finish(spec: JobSpec, load_id: str) -> None:
    """Names the bad rows of a published load as such, where they still wait for that."""
    if spec.bad_rows is not None and not is_address(spec.bad_rows, spec.connections):
        deadletters.finish(Path(spec.bad_rows), load_id)


def is_address(text: str, connections: Mapping[str, str] | None = None) -> bool:
    """Whether it is a URL, or something of one of these connections, and not a folder."""
    head, sign, _ = text.partition("#")
    return SCHEME.match(text) is not None or bool(sign and connections and head in connections)
