"""A folder for what a library keeps on disk by itself, which does not outlast a dead run for long."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from towpath.disk import leftovers, temporary
from towpath.disk.rowspool import SpoolFile

_FOLDER = ".files"


@contextmanager
def held_folder(name: str) -> Iterator[Path]:
    """A path among the temporary files, where nothing is yet. A file beside it is held as long as the run lives; the
    folders of those that are dead are removed first. Raises Refused where no file can be made."""
    among = temporary.folder()
    leftovers.sweep(among, name)
    for folder in _deserted(among, name):
        shutil.rmtree(folder, ignore_errors=True)
    with SpoolFile(among, name, secrets.token_hex(8), "") as holder:
        files = holder.path.with_suffix(_FOLDER)
        try:
            yield files
        finally:
            shutil.rmtree(files, ignore_errors=True)


def _deserted(among: Path, name: str) -> list[Path]:
    with contextlib.suppress(OSError):
        ours = [one for one in os.listdir(among) if one.startswith(f".{name}.") and one.endswith(_FOLDER)]
        return [among / one for one in ours if not (among / one).with_suffix(leftovers.SUFFIX).exists()]
    return []
