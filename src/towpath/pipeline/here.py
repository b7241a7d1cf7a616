"""The connections of the tow.yaml in the current folder, for commands that name addresses and no pipeline."""

from __future__ import annotations

import os
import re
from pathlib import Path

_NAMED = re.compile(r"([A-Za-z0-9_][A-Za-z0-9_.-]*)#")


def connections(*texts: str) -> dict[str, str]:
    """The addresses of the connections that such texts as `warehouse#orders` may mean, by name. ./tow.yaml is read only
    when a text has that form and is no file, in the profile that TOW_ENV names. Raises UserError for its mistakes."""
    heads = {found[1] for text in texts if (found := _NAMED.match(text)) and not os.path.exists(text)}
    path = Path("tow.yaml")
    if not heads or not path.exists():
        return {}
    from towpath.pipeline.load import load

    loaded = load(path, env=os.environ.get("TOW_ENV") or None)
    return {name: text for name, text in loaded.connections.items() if name in heads}
