"""Names that outlast a power cut: a file is durable by its own `fsync`, its name by that of the folder it stands in."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from towpath.disk.oserrors import subject
from towpath.errors import Refused


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder durable, as they are now. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some network file systems know no such thing for folders
            raise
    finally:
        os.close(descriptor)


def confirm(path: Path) -> None:
    """Makes a change of names durable that is made already. Raises Refused, which says so, when the disk fails."""
    try:
        sync_folder(path.parent)
    except OSError as error:
        raise Refused(
            f"it is done, but the disk does not confirm that it outlasts a power cut: {error.strerror or error}",
            where=subject(str(path)),
            todo="see to the disk, then run again: a step with a name does not load again what it has loaded",
            code="system-refused",
        ) from error
