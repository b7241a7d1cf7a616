"""Wrong paths: what is not there, is something else, or may not be touched."""

from __future__ import annotations

from tests.errors.kit import Fault, folder, mode

FAULTS = (
    Fault(
        "path-typo", "mistyped a file's name", "copy ordrs.csv orders.parquet", "path-missing",
        place="ordrs.csv", rule="no such file", todo="orders.csv", exit=1,
    ),
    Fault(
        "path-far", "named a file in a folder that is not there", "copy nowhere/in/sales.csv sales.parquet",
        "path-missing", place="nowhere/in/sales.csv", rule="no such file", todo="check", exit=1,
    ),
    Fault(
        "folder-for-a-file", "wrote a folder's name where its format cannot be told", "copy in out.parquet",
        "format-unclear", place="in", rule="format", todo="--from-format", prepare=folder("in"),
    ),
    Fault(
        "folder-empty", "reads a folder that holds no file of the format", "copy in/ out.parquet --from-format csv",
        "path-empty", place="in", rule="no file", todo="--from-format", exit=1, files={"in/notes.txt": "none\n"},
    ),
    Fault(
        "glob-empty", "wrote a pattern that matches nothing", "copy 'in/*.csv' out.parquet", "path-missing",
        place="in/*.csv", rule="no file matches", todo="pattern", exit=1, prepare=folder("in"),
    ),
    Fault(
        "file-not-readable", "reads a file of somebody else", "copy secret.csv out.parquet", "permission-denied",
        place="secret.csv", rule="permission", todo="change its permissions", exit=1,
        files={"secret.csv": "id\n1\n"}, prepare=mode("secret.csv", 0o000), nobody=True,
    ),
    Fault(
        "symlink-dangling", "reads a symbolic link whose file was removed", "copy latest.csv out.parquet",
        "path-missing", place="latest.csv", value="gone.csv", rule="link", todo="correct", exit=1,
        prepare=lambda here: (here / "latest.csv").symlink_to("gone.csv"),
    ),
    Fault(
        "file-vanished", "removed the source while it was read", "copy orders.csv out.parquet --python cleanup:run",
        "source-changed", place="orders.csv", rule="while it was read", todo="run", exit=1,
        files={"cleanup.py": "import os\n\ndef run(rows):\n    if rows.num_rows:\n        os.remove('orders.csv')\n"
               "    return rows\n"},
    ),
    Fault(
        "source-format-untold", "reads a CSV file that is named .txt", "copy orders.txt out.parquet", "format-unclear",
        place="orders.txt", rule="does not say which format", todo="--from-format", files={"orders.txt": "id\n1\n"},
    ),
    Fault(
        "symlink-circle", "reads a link that leads to itself", "copy latest.csv out.parquet", "path-missing",
        place="latest.csv", rule="circle", todo="correct", exit=1,
        prepare=lambda here: (here / "latest.csv").symlink_to("latest.csv"),
    ),
    Fault(
        "path-typo-beside-a-circle", "mistyped a name beside a link that leads to itself",
        "copy ordrs.csv out.parquet", "path-missing", place="ordrs.csv", rule="no such file", todo="check", exit=1,
        prepare=lambda here: (here / "latest.csv").symlink_to("latest.csv"),
    ),
    Fault(
        "path-through-a-file", "went on below a file as if it were a folder", "copy orders.csv/part.csv out.parquet",
        "path-kind-wrong", place="orders.csv/part.csv", rule="file, not a folder", todo="check", exit=1,
    ),
    Fault(
        "files-of-several-formats", "reads a folder in which formats are mixed", "copy in/ out.parquet",
        "format-unclear", place="in/", value="csv, jsonl", rule="several formats", todo="--from-format",
        files={"in/a.csv": "id\n1\n", "in/b.jsonl": '{"id": 2}\n'},
    ),
)  # fmt: skip
