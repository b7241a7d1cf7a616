"""tow connections: list, test or look into named connections."""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from towpath.cli import pipeline_options
from towpath.cli.common import command, json_option, say, show
from towpath.errors import TowError, UserError
from towpath.options import nearest

if TYPE_CHECKING:
    from towpath.address import Address

_PIPELINE = "the tow.yaml whose connections are meant, beside the user's own (default: ./tow.yaml, when there is one)"


def add(subparsers: Any) -> None:
    parser = command(
        subparsers,
        "connections",
        "list, test or look into named connections",
        "tow connections list",
        "tow connections test warehouse",
        "tow connections discover 'duckdb:///shop.db'",
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    one = _action(actions, "list", "say where each connection stands, what it is, and whether its references resolve")
    one.set_defaults(run=_list)
    one = _action(actions, "test", "open each connection for real; exit 1 when one does not answer")
    one.add_argument("names", metavar="NAME", nargs="*", help="only these connections (default: all)")
    one.set_defaults(run=_test)
    one = _action(actions, "discover", "show the tables, columns and rows of a database, or the files of a folder")
    one.add_argument("names", metavar="NAME|ADDRESS", nargs=1, help="a connection, a database, a folder or a glob")
    one.set_defaults(run=_discover)


@dataclass(frozen=True, slots=True)
class Listed:
    """One connection as `tow connections list --json` shows it. `why` says which reference does not resolve, or is
    empty."""

    name: str
    where: str
    address: str
    resolves: bool
    why: str

    def lines(self) -> list[str]:
        refused = "" if self.resolves else f": does not resolve: {self.why.splitlines()[0]}"
        return [f"{self.name}  {self.address}", f"  {self.where}{refused}"]


@dataclass(frozen=True, slots=True)
class Tested:
    """One connection as `tow connections test --json` shows it. `why` says what answered, or why nothing did."""

    name: str
    ok: bool
    seconds: float
    why: str


@dataclass(frozen=True, slots=True)
class _Known:
    """The connections by name: their addresses as written, and where they stand. Relative paths start from `folder`."""

    addresses: dict[str, str]
    places: dict[str, str]
    folder: str

    def located(self, name: str) -> Address:
        from towpath import assemble

        return assemble.located(name, self.addresses, self.folder)


def _action(actions: Any, name: str, sentence: str) -> argparse.ArgumentParser:
    parser = command(actions, name, sentence, f"tow connections {name}{' warehouse' if name != 'list' else ''}")
    parser.add_argument("--pipeline", metavar="TOW.YAML", help=_PIPELINE)
    pipeline_options.add(parser)
    json_option(parser)
    return parser


def _list(args: argparse.Namespace) -> int:
    known = _known(args)
    found = [_listed(known, name) for name in known.addresses]
    if args.json:
        for one in found:
            say(json.dumps(asdict(one), ensure_ascii=False), sys.stdout)
    elif found:
        say("\n".join(line for one in found for line in one.lines()), sys.stdout)
    else:
        say("there are no connections", sys.stderr)
    return 0


def _listed(known: _Known, name: str) -> Listed:
    from towpath.secrets.references import resolve
    from towpath.url import shown

    text, why = known.addresses[name], ""
    try:
        resolve(text, folder=known.folder)
    except TowError as error:
        why = str(error)
    return Listed(name, known.places[name], shown(text), not why, why)


def _test(args: argparse.Namespace) -> int:
    known = _known(args)
    for name in args.names:
        _named(name, known)
    ok = True
    for name in args.names or known.addresses:
        one = _tested(known, name)
        ok = ok and one.ok
        words = f"{name}: {'ok' if one.ok else 'fails'} in {one.seconds:.2f} s: {one.why}"
        say(json.dumps(asdict(one), ensure_ascii=False) if args.json else words, sys.stdout)
    if not known.addresses:
        say("there are no connections", sys.stderr)
    return 0 if ok else 1


def _tested(known: _Known, name: str) -> Tested:
    from towpath.look.discover import probe

    begun = time.perf_counter()
    try:
        ok, why = True, probe(known.located(name))
    except TowError as error:
        ok, why = False, str(error)
    return Tested(name, ok, round(time.perf_counter() - begun, 3), why)


def _discover(args: argparse.Namespace) -> int:
    from towpath.look.discover import discover

    known, name = _known(args), args.names[0]
    if re.fullmatch(r"[\w-]+", name) and not Path(name).exists():
        _named(name, known)
    show(discover(known.located(name)), sys.stdout, as_json=args.json)
    return 0


def _named(name: str, known: _Known) -> None:
    """Raises UserError when no connection has that name."""
    if name not in known.addresses:
        raise UserError(
            f"there is no connection {name!r}{nearest(name, known.addresses)}",
            todo="tow connections list",
            code="connection-unknown",
        )


def _known(args: argparse.Namespace) -> _Known:
    """Those of the tow.yaml and the user's own; only these, when no tow.yaml is named and none lies here."""
    if args.pipeline is None and not Path(pipeline_options.DEFAULT).exists():
        if args.env or args.var:
            raise UserError("--env and --var are about a tow.yaml, and there is none", code="file-unreadable")
        from towpath.pipeline.connections import addresses, user_written

        written = user_written()
        return _Known(addresses(written), {name: one.where for name, one in written.items()}, ".")
    loaded = pipeline_options.load_pipeline(args)
    places = {name: one.where for name, one in loaded.written.items()}
    return _Known(dict(loaded.connections), places, str(loaded.folder))
