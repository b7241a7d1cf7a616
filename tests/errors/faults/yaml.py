"""A tow.yaml that is wrong."""

from __future__ import annotations

from tests.errors.kit import CANARY, Fault, pipeline

_RING = """pipeline: shop
steps:
  a: {from: c.csv, to: b.csv}
  b: {from: b.csv, to: c.csv}
"""
_STEPS = "pipeline: shop\nsteps:\n  load: {from: orders.csv, to: out.csv}\n  sum: {from: out.csv, to: sum.csv}\n"


def _yaml(id: str, did: str, text: str, code: str, command: str = "run tow.yaml", **owed: object) -> Fault:
    return Fault(id, did, command, code, files={"tow.yaml": text}, **owed)  # type: ignore[arg-type]


FAULTS = (
    Fault("yaml-missing", "mistyped the pipeline's name", "run two.yaml", "path-missing",
          place="two.yaml", rule="no such file", todo="tow.yaml", files={"tow.yaml": _STEPS}),
    _yaml("yaml-syntax", "left a bracket open", pipeline("{from: orders.csv, to: [out.csv"), "yaml-syntax",
          place="tow.yaml:", rule="YAML", todo="bracket"),
    _yaml("yaml-tab", "indented with a tab", "pipeline: shop\nsteps:\n\tload: {from: orders.csv, to: out.csv}\n",
          "yaml-syntax", place="tow.yaml:3:1", value="tab", rule="YAML", todo="spaces"),
    _yaml("yaml-key-twice", "wrote a key twice", pipeline("{from: orders.csv, from: b.csv, to: out.csv}"),
          "yaml-wrong", place="tow.yaml:3:28", value="from", rule="already", todo="nothing was run"),
    _yaml("yaml-key-typo", "mistyped a key", pipeline("{form: orders.csv, to: out.csv}"), "yaml-wrong",
          place="tow.yaml:3:10", value="form", rule="no key", todo="from"),
    _yaml("yaml-kind", "wrote a number for text", pipeline("{from: orders.csv, to: out.csv, where: 5}"), "yaml-wrong",
          place="tow.yaml:3:", value="5", rule="text", todo="quotes"),
    _yaml("yaml-mode", "invented a mode", pipeline("{from: orders.csv, to: out.csv, mode: upsert}"), "yaml-wrong",
          place="tow.yaml:3:", value="upsert", rule="create", todo="nothing was run"),
    _yaml("yaml-lacks", "forgot where a step writes", pipeline("{from: orders.csv}"), "yaml-wrong",
          place="tow.yaml:3:", value="to", rule="lacks", todo="nothing was run"),
    _yaml("yaml-empty", "ran an empty file", "", "yaml-wrong", place="tow.yaml:1:1", rule="mapping",
          todo="nothing was run"),
    Fault("yaml-bytes", "named a picture where a tow.yaml is meant", "run logo.yaml", "file-unreadable",
          place="logo.yaml", rule="no text", todo="UTF-8", files={"logo.yaml": b"\x89PNG\r\n\x1a\n"}),
    _yaml("yaml-several", "made three mistakes at once",
          pipeline("{form: orders.csv, to: out.csv, mode: upsert, limt: 5}"), "yaml-wrong",
          place="tow.yaml:3:", value="limt", rule="no key", todo="nothing was run"),
    _yaml("steps-ring", "let two steps wait for each other", _RING, "steps-circular",
          place="tow.yaml:", value="a -> b", rule="wait for each other", todo="depends_on"),
    _yaml("step-unknown", "ran a step that is not there", _STEPS, "step-unknown", command="run tow.yaml laod",
          place="tow.yaml", value="laod", rule="no step", todo="load"),
    _yaml("depends-unknown", "waits for a step that is not there",
          pipeline("{from: orders.csv, to: out.csv, depends_on: laod}"), "yaml-wrong",
          place="tow.yaml:3:", value="laod", rule="no step", todo="load"),
    _yaml("variable-unset", "used an environment variable that is not set",
          pipeline("{from: '${env:TOW_NOT_SET}/orders.csv', to: out.csv}"), "reference-unset",
          place="tow.yaml:3:", value="TOW_NOT_SET", rule="not set", todo="export", exit=1, out=True),
    _yaml("reference-bad", "wrote a reference of a kind that is not there",
          pipeline("{from: '${evn:HOME}/orders.csv', to: out.csv}"), "reference-wrong",
          place="tow.yaml:3:", value="evn", rule="no reference", todo="${env:", exit=1, out=True),
    _yaml("profile-unknown", "chose a profile that is not there", _STEPS, "profile-unknown",
          command="run tow.yaml --env prd", place="tow.yaml", value="prd", rule="no profile", todo="profiles"),
    _yaml("var-unknown", "set a variable that is not there", _STEPS, "var-unknown",
          command="run tow.yaml --var dya=2026-01-01", place="tow.yaml", value="dya", rule="no variable",
          todo="variables"),
    _yaml("connection-typo", "mistyped a connection",
          pipeline("{from: orders.csv, to: warehose#orders}", "connections: {warehouse: 'duckdb:///w.db'}\n"),
          "yaml-wrong", place="tow.yaml:4:", value="warehose", rule="no connection", todo="warehouse"),
    _yaml("several-inputs", "reads two files without saying how they come together",
          pipeline("{from: {a: orders.csv, b: orders.csv}, to: out.csv}"), "yaml-wrong",
          place="tow.yaml:3:", rule="several inputs", todo="sql"),
    _yaml("step-append-whole", "appends the result of a query over everything",
          pipeline("{from: orders.csv, to: out.csv, mode: append, sql: 'select count(*) as n from input'}"),
          "mode-impossible", place="shop/load", rule="append", todo="replace", exit=1, out=True),
    _yaml("append-without-cursor", "appends a table at every run",
          pipeline("{from: 'duckdb:///s.db#orders', to: out.csv, mode: append}"), "cursor-missing",
          place="shop/load", rule="cursor", todo="name a cursor", exit=1, out=True,
          before=("copy orders.csv duckdb:///s.db#orders",)),
    _yaml("cursor-typo", "mistyped the cursor",
          pipeline("{from: 'duckdb:///s.db#orders', to: 'duckdb:///t.db#orders', mode: merge, key: id, cursor: ta}"),
          "column-unknown", place="duckdb:///s.db#orders", value="ta", rule="no column", todo="at", exit=1, out=True,
          before=("copy orders.csv duckdb:///s.db#orders",)),
    _yaml("secret-in-a-reference", "used a secret in an address that fails",
          pipeline("{from: 'exports/${env:TOW_TOKEN}.csv', to: out.csv}"), "path-missing",
          place="exports/***.csv", rule="no such file", todo="check", exit=1, out=True,
          env={"TOW_TOKEN": CANARY}),
    _yaml("keyring-missing", "named a secret that the keyring has not",
          pipeline("{from: 'exports/${keyring:shop/token}.csv', to: out.csv}"), "reference-unset",
          place="tow.yaml:3:", value="shop/token", rule="keyring", todo="tow secrets set", exit=1, out=True),
    _yaml("secret-file-missing", "named a secret's file that is not there",
          pipeline("{from: 'exports/${file:token.txt}.csv', to: out.csv}"), "reference-unset",
          place="tow.yaml:3:", value="token.txt", rule="no such file", todo="write the secret", exit=1, out=True),
)  # fmt: skip
