"""Whether a file of passwords is its owner's alone, as libpq and ftp demand of theirs."""

from __future__ import annotations

import logging
import stat
from pathlib import Path

_LOG = logging.getLogger("towpath.secrets")


def is_private(path: Path) -> bool:
    """Whether there is such a plain file that neither its group nor others may touch; one that they may is told in a
    warning, and is not to be used."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    if not stat.S_ISREG(mode):
        _LOG.warning("%s is no plain file and is not used", path)
        return False
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        _LOG.warning("%s may be read by others and is not used: chmod 600 %s", path, path)
        return False
    return True
