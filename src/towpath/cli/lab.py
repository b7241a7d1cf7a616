"""tow lab: start and stop real servers on this machine, without Docker."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from typing import TYPE_CHECKING, Any

from towpath.cli.common import command, is_quiet, json_option, say
from towpath.errors import TowError, UserError

if TYPE_CHECKING:
    from towpath.lab.running import Running


def add(subparsers: Any) -> None:
    parser = command(
        subparsers,
        "lab",
        "start and stop real servers on this machine, without Docker",
        "tow lab list",
        "tow lab up postgresql s3",
        "tow lab status",
        "tow lab down",
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    one = _action(actions, "up", "start servers, and say how each is reached", "all")
    one.add_argument(
        "--port", type=int, metavar="N", help="the port of the one server that is named (default: a free one)"
    )
    one.add_argument(
        "--durable",
        action="store_true",
        help="slower, but what was committed survives a crash of the machine too, not only of the server",
    )
    one.add_argument("--show-password", action="store_true", help="show the password too; --json always does")
    one.set_defaults(run=_up)
    one = _action(
        actions, "status", "say what runs and whether it answers; exit 1 when one does not", "all that were started"
    )
    one.set_defaults(run=_status)
    one = _action(actions, "down", "stop servers and remove their data", "all that were started")
    one.set_defaults(run=_down)
    one = _action(actions, "list", "show the ways of having each server here, and which one would be taken", "all")
    one.set_defaults(run=_list)


def _action(actions: Any, name: str, sentence: str, otherwise: str) -> argparse.ArgumentParser:
    parser = command(actions, name, sentence, f"tow lab {name} postgresql")
    parser.add_argument("servers", metavar="SERVER", nargs="*", help=f"only these servers (default: {otherwise})")
    json_option(parser)
    return parser


def _up(args: argparse.Namespace) -> int:
    from towpath.lab import running
    from towpath.lab.recipes import NAMES

    names = args.servers or NAMES
    if args.port is not None and not 0 < args.port < 65_536:
        raise UserError(f"--port takes 1 to 65535, not {args.port}", code="option-wrong")
    if args.port is not None and len(args.servers) != 1:
        raise UserError(
            "--port is for one server, which is named",
            todo="tow lab up postgresql --port 15432",
            code="options-conflict",
        )
    failed: list[TowError] = []
    for name in names:
        _tell_fetching(name, args)
        try:
            one = running.up(name, port=args.port, durable=args.durable)
        except UserError:
            raise
        except TowError as error:
            if len(names) == 1:
                raise
            say(f"tow: {error}", sys.stderr)
            failed.append(error)
            continue
        _tell_up(one, args)
    return 1 if failed else 0


def _tell_fetching(name: str, args: argparse.Namespace) -> None:
    """Fetching takes a while, and a system's package changes more than the lab's own folder: it is said beforehand."""
    from towpath.lab import running
    from towpath.lab.offers import offer

    if running.find(name) is None and not getattr(args, "quiet", False):
        for one in offer(name).options:
            if one.taken and one.state == "fetchable":
                say(f"{name}: fetching {one.way}", sys.stderr)


def _tell_up(one: Running, args: argparse.Namespace) -> None:
    if args.json:
        _say_plainly(json.dumps(_as_json(one), ensure_ascii=False))
    elif args.show_password:
        _say_plainly("\n".join(_lines(one)))
    elif not is_quiet(args):
        say("\n".join(_lines(one.hidden())), sys.stdout)


def _lines(one: Running) -> list[str]:
    already = "" if one.new or not one.since else ", up already"
    out = [f"{one.name}: {one.told}{already}"]
    out += [f"  {'not taken':<9} {why}" for why in one.passed]
    out += [f"  {'from':<9} {one.how}", f"  {'address':<9} {one.address}"]
    out += [f"  {'such as':<9} {one.example}"] if one.example else []
    out += [f"  {'option':<9} {name}={value}" for name, value in one.options.items()]
    out += [f"  {'export':<9} {name}={shlex.quote(value)}" for name, value in one.environment.items()]
    if not one.survives_kill:
        out.append(f"  {'beware':<9} its data is lost when it is killed")
    if one.since:
        out += [f"  {'log':<9} {one.log}", f"  {'stop':<9} tow lab down {one.name}"]
    return out


def _as_json(one: Running) -> dict[str, Any]:
    """What programs get of a server."""
    return {
        "name": one.name,
        "program": one.program,
        "class": one.kind,
        "version": one.version,
        "how": one.how,
        "survives_kill": one.survives_kill,
        "address": one.address,
        "example": one.example,
        "options": one.options,
        "environment": one.environment,
        "host": one.host,
        "port": one.port,
        "user": one.user,
        "password": one.password,
        "pid": one.process.pid if one.process else None,
        "since": one.since or None,
    }


def _say_plainly(text: str) -> None:
    """As bytes: in words on standard output every known secret is struck out, and here one was asked for."""
    sys.stdout.flush()
    sys.stdout.buffer.write(f"{text}\n".encode())
    sys.stdout.buffer.flush()


def _status(args: argparse.Namespace) -> int:
    from towpath.cli.words import size_text

    all_answer = True
    for one in _chosen(args.servers):
        answers = one.answers()
        all_answer = all_answer and answers
        shown = one.hidden()
        if args.json:
            extra = {"answers": answers, "memory_bytes": one.memory()}
            say(json.dumps({**_as_json(shown), **extra}, ensure_ascii=False), sys.stdout)
            continue
        state = "answers" if answers else "runs, but does not answer" if one.alive() else "does not run any more"
        say(f"{one.name}: {one.told}  {shown.address}", sys.stdout)
        running = f", pid {one.process.pid}, {size_text(one.memory())}" if one.process and one.alive() else ""
        say(f"  {state}{running}, since {one.since}", sys.stdout)
    return 0 if all_answer else 1


def _chosen(names: list[str]) -> list[Running]:
    """The servers that were started, or those of them that are named."""
    from towpath.lab import running
    from towpath.lab.recipes import recipes

    for name in names:
        recipes(name)
        if running.find(name) is None:
            say(f"{name} is not up", sys.stderr)
    found = [one for one in running.every() if not names or one.name in names]
    if not found and not names:
        say("nothing is up", sys.stderr)
    return found


def _down(args: argparse.Namespace) -> int:
    from towpath.lab import running

    for one in _chosen(args.servers):
        running.down(one.name)
        if args.json:
            say(json.dumps({"name": one.name, "down": True}), sys.stdout)
        elif not is_quiet(args):
            say(f"{one.name} is down, and its data removed", sys.stdout)
    return 0


def _list(args: argparse.Namespace) -> int:
    from towpath.lab.offers import offer
    from towpath.lab.recipes import NAMES

    for name in args.servers or NAMES:
        one = offer(name)
        say(json.dumps(one.as_json(), ensure_ascii=False) if args.json else "\n".join(one.lines()), sys.stdout)
    return 0
