"""Variables of a tow.yaml: `${var:NAME}` is replaced in its values before anything else looks at them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from towpath.errors import UserError
from towpath.options import nearest
from towpath.pipeline import yamltext
from towpath.pipeline.yamltext import Document, Path

_SIGN = re.compile(r"\$\$\{|\$\{var:([^}]*)\}")


@dataclass(frozen=True, slots=True)
class Variable:
    """A value, how it stands within a longer text (None: it cannot), and where it is declared."""

    value: Any
    text: str | None
    place: Path


def substitute(document: Document, env: str | None, given: Mapping[str, str]) -> None:
    """Replaces the variables in a document's values by those `given`, else the profile's, else their defaults. `$${`
    becomes `${`, but stays where references are resolved later (addresses, options).

    Raises UserError for a name in `given` or a profile that the document does not have; what else is wrong is kept as
    the document's mistakes."""
    raw = document.value if isinstance(document.value, dict) else {}
    work = _Substitution(document, _known(document, raw, env, given))
    for key, value in raw.items():
        if key == "profiles":
            chosen = _mapping(_mapping(value).get(env))
            if "connections" in chosen:
                chosen["connections"] = work.walk(chosen["connections"], ("profiles", env or "", "connections"))
        elif key != "vars":
            raw[key] = work.walk(value, (key,))


def _known(
    document: Document, raw: Mapping[str, Any], env: str | None, given: Mapping[str, str]
) -> dict[str, Variable]:
    found = {
        name: Variable(value, document.scalars.get(("vars", name)), ("vars", name))
        for name, value in _mapping(raw.get("vars")).items()
    }
    profiles = _mapping(raw.get("profiles"))
    if env is not None and env not in profiles:
        raise UserError(
            f"there is no profile {env!r}{nearest(env, profiles)}",
            where=document.name,
            todo=f"its profiles: {', '.join(profiles) or 'none'}",
            code="profile-unknown",
        )
    for profile, body in profiles.items():
        for name, value in _mapping(_mapping(body).get("vars")).items():
            place: Path = ("profiles", profile, "vars", name)
            if name not in found:
                what = f"there is no variable {name!r}{nearest(name, found)}; declare it in `vars` (null: no default)"
                document.mistake(place, what, key=True)
            elif profile == env:
                found[name] = Variable(value, document.scalars.get(place), place)
    for name, text in given.items():
        if name not in found:
            raise UserError(
                f"--var: there is no variable {name!r}{nearest(name, found)}",
                where=document.name,
                todo=f"its variables: {', '.join(found) or 'none'}",
                code="var-unknown",
            )
        found[name] = Variable(_typed(name, text, found[name].value), text, found[name].place)
    return found


def _typed(name: str, text: str, default: Any) -> Any:
    """A value of the command line: text where the default is text, else as YAML reads it."""
    if isinstance(default, str):
        return text
    document = yamltext.parse(text, f"--var {name}")
    document.check()
    value = document.value
    numbers = (int, float)
    alike = default is None or type(value) is type(default) or (type(value) in numbers and type(default) in numbers)
    if not alike:
        kind = {bool: "true or false", int: "a number", float: "a number", list: "a list, [a, b]"}.get(type(default))
        raise UserError(f"--var {name} takes {kind or 'a mapping'}, not {text!r}", code="var-wrong")
    return value


@dataclass(frozen=True, slots=True)
class _Substitution:
    document: Document
    known: Mapping[str, Variable]

    def walk(self, value: Any, path: Path) -> Any:
        if isinstance(value, dict):
            return {name: self.walk(one, (*path, name)) for name, one in value.items()}
        if isinstance(value, list):
            return [self.walk(one, (*path, at)) for at, one in enumerate(value)]
        return self.text(value, path) if isinstance(value, str) and "${" in value else value

    def text(self, text: str, path: Path) -> Any:
        whole = _SIGN.fullmatch(text)
        if whole is not None and whole[1] is not None:
            found = self.variable(whole[1], path)
            return text if found is None else found.value
        return _SIGN.sub(lambda sign: self.within(sign, path), text)

    def within(self, sign: re.Match[str], path: Path) -> str:
        if sign[1] is None:
            return sign[0] if _refers(path) else "${"
        found = self.variable(sign[1], path)
        if found is not None and found.text is None:
            self.document.mistake(path, f"the variable {sign[1]!r} is no plain value, so it cannot stand within a text")
        return sign[0] if found is None or found.text is None else found.text

    def variable(self, name: str, path: Path) -> Variable | None:
        found = self.known.get(name)
        if found is None:
            self.document.mistake(path, f"there is no variable {name!r}{nearest(name, self.known)}; see `vars`")
            return None
        if found.value is None:
            what = f"the variable {name!r} has no value: give it with --var {name}=VALUE or in a profile"
            self.document.mistake(found.place, what, key=True)
            return None
        return found


def _refers(path: Path) -> bool:
    """Whether references in the text at `path` are resolved when its job is built."""
    if path[0] in ("connections", "profiles"):
        return True
    within = path[3:] if path[2:3] in (("from",), ("to",)) else None
    return within is not None and not {"query", "before", "after"} & set(within)


def _mapping(value: Any) -> dict[Any, Any]:
    return value if isinstance(value, dict) else {}
