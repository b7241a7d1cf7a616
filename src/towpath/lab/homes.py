"""Folders for servers: of a user of their own where a program refuses to run as root."""

from __future__ import annotations

import dataclasses
import os
import shutil
import tempfile
from pathlib import Path

from towpath import userfiles
from towpath.errors import Refused
from towpath.lab.order import TEMPORARY
from towpath.lab.recipe import Build, Recipe

_UNPRIVILEGED = "nobody"


def owner(recipe: Recipe) -> str | None:
    """The system's user that the program runs as; None: ours."""
    return _UNPRIVILEGED if recipe.refuses_root and os.geteuid() == 0 else None


def made(folder: Path, owner: str | None) -> Path:
    """A new folder for a `Place`: `folder` itself, or a temporary one if `owner` could not come there."""
    shutil.rmtree(folder, ignore_errors=True)
    if owner is not None and not _passable(folder.parent):
        folder = Path(tempfile.mkdtemp(prefix=f"{TEMPORARY}{folder.name}-"))
    folder.mkdir(mode=0o711, exist_ok=True)
    folder.chmod(0o711 if owner else 0o700)
    if not _passable(folder) and owner is not None:
        raise Refused(
            f"a server runs as the user {owner}, who cannot come to {folder}",
            where=str(folder),
            todo="let TMPDIR name a folder that all users may pass through",
            code="permission-denied",
        )
    server = folder / "server"
    server.mkdir(mode=0o700)
    if owner is not None:
        shutil.chown(server, owner)
    return folder


def reachable(build: Build, folder: Path, owner: str | None) -> Build:
    """The build as `owner` can run it: in place, or linked into `folder` when it lies where only we may go."""
    cached = userfiles.cache() / "lab"
    if owner is None or _passable(build.home) or not build.home.is_relative_to(cached):
        return build
    inside = build.home.relative_to(cached)
    shutil.copytree(cached / inside.parts[0], folder / "programs", copy_function=_linked, symlinks=True)
    return dataclasses.replace(build, home=(folder / "programs").joinpath(*inside.parts[1:]))


def _linked(source: str, target: str) -> str:
    try:
        os.link(source, target)
    except OSError:  # another disk
        shutil.copy2(source, target)
    return target


def _passable(folder: Path) -> bool:
    """Whether every user may pass through a folder and all above it."""
    try:
        return all(one.stat().st_mode & 0o001 for one in (folder, *folder.parents))
    except OSError:
        return False
