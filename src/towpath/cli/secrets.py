"""tow secrets: keep secrets in the keyring, or in an encrypted file."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from towpath.cli.common import command, json_option
from towpath.errors import Refused, UserError
from towpath.options import nearest

if TYPE_CHECKING:
    from towpath.secrets.vault import Vault

_NAME = "service/user, the name that ${keyring:service/user} finds it by"


def add(subparsers: Any) -> None:
    parser = command(
        subparsers,
        "secrets",
        "keep secrets in the keyring, or in an encrypted file",
        "tow secrets set shop/ann",
        "tow secrets set shop/key --stdin < key.pem",
        "tow secrets list",
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    one = command(
        actions, "set", "keep a secret: asked for without echo, or read from standard input", "tow secrets set shop/ann"
    )
    one.add_argument("name", metavar="NAME", help=_NAME)
    one.add_argument("--stdin", action="store_true", help="take all of standard input, less its last newline")
    one.set_defaults(run=_set)
    one = command(actions, "list", "say where secrets are kept, and their names", "tow secrets list --json")
    json_option(one)
    one.set_defaults(run=_list)
    one = command(actions, "remove", "forget a secret", "tow secrets remove shop/ann")
    one.add_argument("name", metavar="NAME", help=_NAME)
    one.set_defaults(run=_remove)


def _set(args: argparse.Namespace) -> int:
    from towpath.secrets import redact

    vault = _vault(args.name)
    value = _value(args.name, whole=args.stdin)
    redact.known(value, args.name)
    vault.set(args.name, value)
    print(f"kept {args.name} in {vault.place}: write ${{keyring:{args.name}}}")
    return 0


def _list(args: argparse.Namespace) -> int:
    from towpath.secrets import vault

    found = vault.opened()
    names = found.names()
    if args.json:
        print(json.dumps({"place": found.place, "names": names}, ensure_ascii=False))
    else:
        print("\n".join([f"kept in {found.place}{':' if names else ': none'}", *(f"  {name}" for name in names)]))
    return 0


def _remove(args: argparse.Namespace) -> int:
    vault = _vault(args.name)
    if not vault.remove(args.name):
        raise Refused(
            f"there is no secret {args.name!r}{nearest(args.name, vault.names())}",
            where=vault.place,
            todo="tow secrets list",
            code="secret-unknown",
        )
    print(f"removed {args.name} from {vault.place}")
    return 0


def _vault(name: str) -> Vault:
    from towpath.secrets import vault

    vault.split(name)
    return vault.opened()


def _value(name: str, *, whole: bool) -> str:
    if whole:
        value = sys.stdin.read().removesuffix("\n").removesuffix("\r")
    elif sys.stdin.isatty():
        value = _asked(name)
    else:
        value = sys.stdin.readline().rstrip("\r\n")
        if sys.stdin.read(1):
            raise UserError(
                "standard input has more than one line", todo="give --stdin to keep them all", code="secret-wrong"
            )
    if not value:
        raise UserError("the secret is empty", todo=f"tow secrets remove {name} forgets one", code="secret-wrong")
    return value


def _asked(name: str) -> str:
    from getpass import getpass

    value = getpass(f"{name}: ")
    if getpass("The same again: ") != value:
        raise UserError("the two differ", todo="try again", code="secret-wrong")
    return value
