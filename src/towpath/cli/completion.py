"""tow completion: the completion of the command line by a shell, which asks `tow` itself for what may stand next."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from towpath.cli.common import command
from towpath.cli.parsing import commands

HIDDEN = "__complete"
"""The word by which a shell asks: `tow __complete WORD... WORD`, the last one being what is typed so far."""
FILES, FOLDERS = ":files", ":folders"
"""Lines of the answer that leave it to the shell to add names of files or folders."""

_BASH = """\
_tow() {
    local line words=("${COMP_WORDS[@]:1:COMP_CWORD}")
    COMPREPLY=()
    while IFS= read -r line; do
        case "$line" in
            :files) compopt -o filenames; mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$2") ;;
            :folders) compopt -o filenames; mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -d -- "$2") ;;
            *) COMPREPLY+=("$line"); [[ $line == *'#' ]] && compopt -o nospace ;;
        esac
    done < <(tow __complete "${words[@]}" 2>/dev/null)
}
complete -F _tow tow
"""
_ZSH = """\
#compdef tow
_tow() {
    local line
    local -a found
    for line in "${(@f)$(tow __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
        case "$line" in
            :files) _files ;;
            :folders) _files -/ ;;
            ?*) found+=("$line") ;;
        esac
    done
    (( ${#found} )) && compadd -a found
}
compdef _tow tow
"""
_FISH = """\
function __tow
    set -l typed (commandline -ct)
    for line in (tow __complete (commandline -opc)[2..-1] "$typed" 2>/dev/null)
        switch $line
            case :files
                __fish_complete_path "$typed"
            case :folders
                __fish_complete_directories "$typed"
            case '*'
                echo $line
        end
    end
end
complete -c tow -f -a '(__tow)'
"""
SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}

_KINDS = {
    "SRC": "address", "DST": "address", "ADDRESS": "address", "A": "address", "B": "address",
    "SRC DST | TOW.YAML [STEP...]": "address or step", "TOW.YAML": "files", "FILE": "files", "STEP": "step",
    "DIR": "folders", "NAME": "connection", "CONNECTION": "connection",
}  # fmt: skip
"""What may stand where the help shows such a word."""
_FORMATS = ("--from-format", "--to-format")


def add(subparsers: Any) -> None:
    parser = command(
        subparsers,
        "completion",
        "print the shell completion for bash, zsh or fish",
        'eval "$(tow completion bash)"',
        "tow completion zsh > ~/.zfunc/_tow",
        "tow completion fish > ~/.config/fish/completions/tow.fish",
    )
    parser.add_argument("shell", metavar="SHELL", choices=tuple(SCRIPTS), help=f"one of {', '.join(SCRIPTS)}")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    sys.stdout.write(SCRIPTS[args.shell])
    return 0


def complete(parser: argparse.ArgumentParser, words: Sequence[str]) -> int:
    """Prints what may stand in the place of the last word, a line each."""
    *before, typed = words or [""]
    found = [one for one in candidates(parser, before, typed) if one.startswith((typed, FILES, FOLDERS))]
    print("\n".join(found))
    return 0


def candidates(parser: argparse.ArgumentParser, before: Sequence[str], typed: str) -> list[str]:
    """Everything that may come after the words `before`; `typed` only tells options from other words."""
    seen: list[str] = []
    for at, word in enumerate(before):
        inner = commands(parser)
        if word in inner:
            return candidates(inner[word], before[at + 1 :], typed)
        seen.append(word)
    waiting = _waiting(parser, seen)
    if waiting is not None:
        return _values(waiting, seen)
    if typed.startswith("-"):
        return sorted(name for name in parser._option_string_actions if name.startswith("--"))
    if commands(parser):
        return list(commands(parser))
    place = _place(parser, seen)
    return [] if place is None else _values(place, seen)


def _waiting(parser: argparse.ArgumentParser, seen: Sequence[str]) -> argparse.Action | None:
    """The option that the last word is, if it takes a value."""
    action = parser._option_string_actions.get(seen[-1]) if seen else None
    return action if action is not None and action.nargs != 0 else None


def _place(parser: argparse.ArgumentParser, seen: Sequence[str]) -> argparse.Action | None:
    """The positional argument that comes next: each takes one word, the last one as many as there are if it may."""
    words = 0
    for at, word in enumerate(seen):
        words += not word.startswith("-") and _waiting(parser, seen[:at]) is None
    places = parser._get_positional_actions()
    if words < len(places):
        return places[words]
    return places[-1] if places and places[-1].nargs in ("*", "+") else None


def _values(action: argparse.Action, seen: Sequence[str]) -> list[str]:
    if action.choices is not None:
        return [str(choice) for choice in action.choices]
    if action.option_strings and action.option_strings[-1] in _FORMATS:
        from towpath import registry

        return [row.name for row in registry.rows("format")]
    kind = _KINDS.get(str(action.metavar), "")
    if kind == "address or step":
        kind = "step" if any(word.endswith((".yaml", ".yml")) for word in seen) else "address"
    if kind == "address":
        return [*(f"{name}#" for name in _named("connections", seen)), FILES]
    if kind in ("step", "connection"):
        return _named(f"{kind}s", seen)
    return [f":{kind}"] if kind else []


def _named(key: str, seen: Sequence[str]) -> list[str]:
    """The names under a key of the tow.yaml among the words, else of ./tow.yaml; none where it cannot be read."""
    from pathlib import Path

    import yaml

    path = next((word for word in seen if word.endswith((".yaml", ".yml"))), "tow.yaml")
    try:
        read = yaml.load(Path(path).read_text("utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        return [str(name) for name in read[key]]
    except (OSError, ValueError, TypeError, KeyError, yaml.YAMLError):
        return []
