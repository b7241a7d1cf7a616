"""tow schema: JSON Schemas, of tow.yaml for editors, and of what commands print for programs."""

from __future__ import annotations

import argparse
import json
from typing import Any

from towpath.cli.common import command

WHAT = ("tow.yaml", "receipt", "plan", "log")


def add(subparsers: Any) -> None:
    parser = command(
        subparsers,
        "schema",
        "print the JSON Schema of tow.yaml, for editors, or of what commands print in JSON",
        "tow schema",
        "tow schema receipt",
    )
    parser.add_argument(
        "what",
        metavar="WHAT",
        nargs="?",
        choices=WHAT,
        default=WHAT[0],
        help="tow.yaml (the default), receipt (--json of copy, run, replay, runs), plan (--json of plan) or log "
        "(--log json). Editors that speak YAML check a tow.yaml whose first line is "
        "`# yaml-language-server: $schema=tow.schema.json` by a file that holds the first",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from towpath import schemas
    from towpath.pipeline.json_schema import json_schema

    made = {"tow.yaml": json_schema, "receipt": schemas.receipt, "plan": schemas.plan, "log": schemas.log}
    print(json.dumps(made[args.what](), indent=2, ensure_ascii=False))
    return 0
