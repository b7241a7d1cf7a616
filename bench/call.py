"""Does one job in the environment of a tool: `python -P call.py SCRIPT KIND SPEC`, the spec being a file of JSON.

Run with -P, for a script is named after the library that it imports.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType


def load(script: str) -> ModuleType:
    """A script of `peers/` as a module whose name is not that of the library."""
    found = importlib.util.spec_from_file_location(f"bench_{Path(script).stem}", script)
    assert found is not None
    assert found.loader is not None
    module = sys.modules[found.name] = importlib.util.module_from_spec(found)  # some libraries look it up
    found.loader.exec_module(module)
    return module


def main() -> None:
    script, kind, spec = sys.argv[1:]
    with open(spec, encoding="utf-8") as file:
        getattr(load(script), kind)(json.load(file))


if __name__ == "__main__":
    main()
