"""pyarrow imports pandas, where it is installed, with the first Python object that it makes an array of, to know a
Series when it sees one (`_PandasAPIShim` in its `pandas-shim.pxi`). That takes longer than all else in a small copy.

A command of `tow` puts it off until code comes that may use pandas: `end` must be called before code of a user or of
another package is imported. Inside other programs nothing is put off.
"""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec, PathFinder
from threading import Lock
from typing import Any, cast

_NAME = "pandas"


class _Later:
    """Finds pandas, so that who only looks whether it is installed is told the truth, and does not load it. It has not
    the base classes of importlib.abc, which are slow to import."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path) if fullname == _NAME else None
        if spec is not None:
            spec.loader = cast(Any, self)
        return spec

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: Any) -> None:
        raise ModuleNotFoundError(f"{_NAME} is put off: call towpath.pandas_later.end() before it is used", name=_NAME)


_later = _Later()
_ending = Lock()


def begin() -> None:
    """From now on an import of pandas fails, unless it has been imported already."""
    if _NAME not in sys.modules and _later not in sys.meta_path:
        sys.meta_path.insert(0, _later)


def end() -> None:
    """From now on pandas can be imported, and pyarrow knows it, as though it had never been put off."""
    with _ending:  # steps that run at once all wait for it
        if _later not in sys.meta_path:
            return
        sys.meta_path.remove(_later)
        pyarrow = sys.modules.get("pyarrow")
        if pyarrow is not None and PathFinder.find_spec(_NAME) is not None:
            _ = pyarrow.lib._pandas_api.pd  # which asks anew where it had found none
