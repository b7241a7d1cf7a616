"""What a step remembers: changed plans, changed files, notes that are not tow's."""

from __future__ import annotations

from tests.errors.kit import ORDERS, Fault, folder, pipeline, write

_STEP = pipeline("{from: orders.csv, to: out.csv}")
_FOLDER = pipeline("{from: 'in/*.csv', to: {address: out/, format: csv}, mode: append}")
_CHANGED = pipeline("{from: orders.csv, to: out.csv, where: 'id > 1'}")

FAULTS = (
    Fault(
        "plan-changed", "changed a step after its first load", "run tow.yaml", "plan-changed",
        place="shop/load", rule="changed", todo="--full-refresh", exit=1, out=True,
        files={"tow.yaml": _STEP}, before=("run tow.yaml",), between=write("tow.yaml", _CHANGED),
    ),
    Fault(
        "file-changed", "changed a file that was loaded before", "run tow.yaml", "file-changed",
        place="in/a.csv", rule="changed since", todo="--full-refresh", exit=1, out=True,
        files={"tow.yaml": _FOLDER, "in/a.csv": ORDERS}, before=("run tow.yaml",),
        between=write("in/a.csv", ORDERS + "4,10002,8,2026-01-05\n"),
    ),
    Fault(
        "state-note-foreign", "put another file where tow keeps a file's state", "run tow.yaml", "state-damaged",
        place="tow-state", rule="no state", todo="remove it", exit=1, out=True,
        files={"tow.yaml": _STEP}, before=("run tow.yaml",),
        between=lambda here: next(here.glob("*out.csv.tow-state")).write_text("my own notes\n") and None,
    ),
    Fault(
        "manifest-corrupt", "damaged a folder's manifest", "copy orders.csv out/ --to-format csv --mode append",
        "state-damaged", place="out/_manifest.json", rule="manifest", todo="restore", exit=1,
        before=("copy orders.csv out/ --to-format csv",), between=write("out/_manifest.json", '{"files": ['),
    ),
    Fault(
        "manifest-file-gone", "removed a file that the manifest names", "copy out/ all.parquet", "state-damaged",
        place="out/", value=".csv", rule="not there", todo="restore", exit=1,
        before=("copy orders.csv out/ --to-format csv",),
        between=lambda here: [one.unlink() for one in (here / "out").glob("*.csv")] and None,
    ),
    Fault(
        "concurrent-run", "let two runs write one file", "copy orders.csv out.csv --mode append --python other:run",
        "conflict", place="out.csv", rule="meanwhile", todo="run again", exit=1,
        files={"other.py": "def run(rows):\n    if rows.num_rows:\n        open('out.csv', 'a').write('9,,,\\n')\n"
               "    return rows\n"},
        before=("copy orders.csv out.csv",),
    ),
    Fault(
        "created-meanwhile", "let two runs create one file", "copy orders.csv out.csv --python other:run",
        "conflict", place="out.csv", rule="meanwhile", todo="run again", exit=1,
        files={"other.py": "def run(rows):\n    if rows.num_rows:\n        open('out.csv', 'w').write('theirs\\n')\n"
               "    return rows\n"},
    ),
    Fault(
        "state-folder-read-only", "has no right to write the run history", "copy orders.csv out.csv",
        "", place="state", rule="not in the history", exit=0, nobody=True,
        prepare=folder("state", 0o555), out=True,
    ),
    Fault(
        "history-damaged", "damaged the run history", "runs", "state-damaged",
        place="state", rule="cannot be read", todo="move", exit=1,
        before=("copy orders.csv out.csv",),
        between=lambda here: [one.write_text("not a database " * 100) for one in (here / "state").iterdir()] and None,
    ),
    Fault(
        "state-step-unknown", "asked for the state of a step that is not there", "state show tow.yaml lod",
        "step-unknown", place="tow.yaml", value="lod", rule="no step", todo="load",
        files={"tow.yaml": _STEP},
    ),
    Fault(
        "interrupted", "pressed Ctrl-C while rows were awaited", "copy - out.csv --from-format csv", "",
        rule="interrupted", todo="not published", exit=130, stdin="open", interrupt=True,
    ),
    Fault(
        "replay-damaged", "edited the bad rows into something else", "replay bad", "bad-rows-damaged",
        place="rows.jsonl:1", rule="no bad row", todo="restore", exit=1,
        files={"more.csv": "id\n1\nx\n"}, before=("copy more.csv out.csv --types id=int64 --bad-rows bad",),
        between=lambda here: [one.write_text("mended\n") for one in here.glob("bad/**/rows.jsonl")] and None,
    ),
)  # fmt: skip
