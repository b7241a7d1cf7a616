"""tow completion: the completion of the command line by a shell, which asks `tow` itself for what may stand next."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from towpath.cli.common import command
from towpath.cli.parsing import commands

if TYPE_CHECKING:
    from pathlib import Path

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
            *) COMPREPLY+=("$line"); [[ $line == *[#=] ]] && compopt -o nospace ;;
        esac
    done < <(tow __complete "${words[@]}" 2>/dev/null)
}
complete -F _tow tow
"""
_ZSH = """\
#compdef tow
_tow() {
    local line
    local -a found open
    for line in "${(@f)$(tow __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
        case "$line" in
            :files) _files ;;
            :folders) _files -/ ;;
            *'#'|*=) open+=("$line") ;;
            ?*) found+=("$line") ;;
        esac
    done
    (( ${#open} )) && compadd -S '' -a open
    (( ${#found} )) && compadd -a found
}
compdef _tow tow
if [[ $funcstack[1] == _tow ]]; then  # a file of $fpath, which the first completion runs
    _tow "$@"
fi
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

_ADDRESSES = frozenset({"SRC", "DST", "ADDRESS"})
_FORMATS = ("--from-format", "--to-format")


def add(subparsers: Any) -> None:
    parser = command(
        subparsers,
        "completion",
        "print the shell completion for bash, zsh or fish",
        "tow completion bash",
        "tow completion fish",
    )
    parser.description = (
        "Print the shell completion. bash: put the output into ~/.local/share/bash-completion/completions/tow, or\n"
        'eval "$(tow completion bash)" into ~/.bashrc. zsh: put it into a file _tow of a folder of $fpath. fish: into\n'
        "~/.config/fish/completions/tow.fish."
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
    sys.stdout.writelines(f"{one}\n" for one in found)
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
        return _values(parser.prog, waiting, seen)
    if typed.startswith("-"):
        return sorted(name for name in parser._option_string_actions if name.startswith("--"))
    if commands(parser):
        return list(commands(parser))
    place = _place(parser, seen)
    return [] if place is None else _values(parser.prog, place, seen)


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


def _values(prog: str, action: argparse.Action, seen: Sequence[str]) -> list[str]:
    """What may stand where the help shows the action's choices or metavar."""
    if action.choices is not None:
        return [str(choice) for choice in action.choices]
    if action.option_strings and action.option_strings[-1] in _FORMATS:
        from towpath import registry

        return [row.name for row in registry.rows("format")]
    shown = str(action.metavar)
    if shown == "PROFILE":
        return _keys(_pipeline(seen), "profiles")
    if shown == "NAME=VALUE":
        return [f"{name}=" for name in _keys(_pipeline(seen), "vars")]
    if shown == "CODE":
        from towpath import errors_catalogue

        return list(errors_catalogue.codes())
    if shown == "SERVER":
        from towpath.lab.recipes import NAMES

        return [name for name in NAMES if name not in seen]
    words = set(re.split(r"[^A-Z.]+", shown.replace("...", "")))
    is_pipeline = any(map(_is_yaml, seen))
    is_address = bool(words & _ADDRESSES or shown in ("A", "B")) and not is_pipeline
    found = _steps(seen) if "STEP" in words else []
    if is_address:
        found += [f"{name}#" for name in _connections(seen)]
    if shown.startswith("NAME") and prog.startswith("tow connections"):
        found += _connections(seen)
    if is_address or "FILE" in words or ("TOW.YAML" in words and not is_pipeline):
        found.append(FILES)
    return [*found, FOLDERS] if words & {"DIR", "FOLDER"} else found


def _steps(seen: Sequence[str]) -> list[str]:
    return _keys(_pipeline(seen), "steps")


def _pipeline(seen: Sequence[str]) -> str:
    return next(filter(_is_yaml, seen), "tow.yaml")


def _connections(seen: Sequence[str]) -> list[str]:
    """Those of the pipeline, then those of the user."""
    from towpath import userfiles

    of_pipeline = _keys(_pipeline(seen), "connections")
    return list(dict.fromkeys([*of_pipeline, *_keys(userfiles.config() / "connections.yaml")]))


def _keys(path: str | Path, *below: str) -> list[str]:
    """The keys of a mapping in a YAML file; none where it cannot be read."""
    from pathlib import Path

    import yaml

    try:
        found = yaml.load(Path(path).read_text("utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        for key in below:
            found = found[key]
        return [str(name) for name in found]
    except (OSError, ValueError, TypeError, KeyError, yaml.YAMLError):
        return []


def _is_yaml(word: str) -> bool:
    return word.lower().endswith((".yaml", ".yml"))
