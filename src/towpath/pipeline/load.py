"""A tow.yaml read and checked whole: every mistake is told with line and column, and what was probably meant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from towpath.job import RuleSpec
from towpath.options import nearest
from towpath.pipeline import yamltext
from towpath.pipeline.config import Pipeline, Rule
from towpath.pipeline.connections import Written, addresses, user_written
from towpath.pipeline.mistakes import validated
from towpath.pipeline.variables import substitute
from towpath.pipeline.yamltext import Document


@dataclass(frozen=True, slots=True)
class Loaded:
    """A checked pipeline in one profile (`env`, None: none), its text's places, and its absolute file. `connections`
    are the addresses of all, the user's own among them, as `written` says."""

    pipeline: Pipeline
    document: Document
    path: Path
    connections: Mapping[str, str]
    written: Mapping[str, Written]
    env: str | None

    @property
    def folder(self) -> Path:
        """Where its relative paths start."""
        return self.path.parent


def load(path: Path, *, env: str | None = None, given: Mapping[str, str] | None = None) -> Loaded:
    """Reads a tow.yaml in the profile `env` with the variables `given`. Raises one UserError that lists all its
    mistakes."""
    document = yamltext.read(path)
    substitute(document, env, given or {})
    pipeline: Pipeline | None = validated(Pipeline, document)
    document.check()
    assert pipeline is not None
    written = _written(pipeline, document, env)
    connections = addresses(written)
    _check_steps(pipeline, connections, document)
    document.check()
    return Loaded(pipeline, document, path.absolute(), connections, written, env)


def rules(texts: list[str]) -> tuple[RuleSpec, ...]:
    """Rules as the command line gives them: each text is what stands behind one `-` of tow.yaml's rules."""
    found: list[RuleSpec] = []
    for text in texts:
        document = yamltext.parse(text, f"--rule {text!r}")
        rule: Rule | None = validated(Rule, document)
        document.check()
        assert rule is not None
        found += rule_specs([rule])
    return tuple(found)


def rule_specs(rules: list[Rule]) -> list[RuleSpec]:
    """The rules in order; those of one mapping as not_null, unique, range, one_of, pattern."""
    found = []
    for rule in rules:
        if rule.not_null:
            found.append(RuleSpec("not_null", tuple(rule.not_null)))
        if rule.unique:
            found.append(RuleSpec("unique", tuple(rule.unique)))
        found += [RuleSpec("range", (column,), tuple(limits)) for column, limits in rule.range.items()]
        found += [RuleSpec("one_of", (column,), tuple(values)) for column, values in rule.one_of.items()]
        found += [RuleSpec("pattern", (column,), (text,)) for column, text in rule.pattern.items()]
    return found


def _written(pipeline: Pipeline, document: Document, env: str | None) -> dict[str, Written]:
    """The user's own connections, those of the file over them, and those of the profile over both."""
    found = user_written()
    found |= {name: Written(one, document, ("connections", name)) for name, one in pipeline.connections.items()}
    profile = pipeline.profiles.get(env or "")
    for name, one in (profile.connections if profile is not None else {}).items():
        found[name] = Written(one, document, ("profiles", str(env), "connections", name))
    return found


def _check_steps(pipeline: Pipeline, connections: Mapping[str, str], document: Document) -> None:
    """What concerns several keys at once, so that no step runs before another one's mistake is told."""
    for name, step in pipeline.steps.items():
        here = ("steps", name)
        if step.mode == "merge" and not step.key:
            document.mistake((*here, "mode"), "merge needs a key: the columns that identify a row")
        if step.dedupe is not None and not step.key:
            document.mistake((*here, "dedupe"), "dedupe needs a key: the columns that identify a row")
        if step.sql is not None and step.where is not None:
            document.mistake(
                (*here, "where"), "where and sql together leave open which comes first: put it into the sql"
            )
        if step.whole and step.python is None:
            document.mistake((*here, "whole"), "whole is about the python function, and there is none")
        if len(step.from_) > 1 and step.sql is None:
            document.mistake((*here, "from"), "several inputs need sql that says how they come together")
        if len(step.from_) > 1 and step.cursor is not None:
            document.mistake((*here, "cursor"), "several inputs: give the cursor to the input that it belongs to")
        for other in step.depends_on:
            if other not in pipeline.steps:
                what = f"there is no step {other!r}{nearest(other, pipeline.steps)}"
                document.mistake((*here, "depends_on"), what)
        for label, one in step.from_.items():
            _check_connection(pipeline, connections, document, (*here, "from", label, "address"), one.address)
        _check_connection(pipeline, connections, document, (*here, "to", "address"), step.to.address)


def _check_connection(
    pipeline: Pipeline, connections: Mapping[str, str], document: Document, path: tuple[str, ...], text: str
) -> None:
    """`warehose#flights` would be a file of that name; next to a connection `warehouse` it is a mistake. So is one that
    only profiles have, when none of them is chosen."""
    head, sign, _ = text.partition("#")
    if ":" in head or "/" in head or head in connections:
        return
    profiles = [name for name, profile in pipeline.profiles.items() if head in profile.connections]
    if profiles:
        what = f"the connection {head!r} stands only in profiles: choose one with --env ({', '.join(profiles)})"
        document.mistake(path, what)
    elif sign and (near := nearest(head, connections)):
        document.mistake(path, f"there is no connection {head!r}{near} (a file of this name: ./{text})")
