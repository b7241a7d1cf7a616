"""JSON that tells whether it still is what was written: the notes that loads keep beside data.

The member `check` holds the CRC-32 (of zlib, 8 hexadecimal digits) of the others' JSON with sorted keys and without
blanks. What has no `check` is taken as it stands: earlier versions wrote none.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from typing import Any

_CHECK = "check"


def dumps(content: Mapping[str, Any]) -> bytes:
    """The content as UTF-8 for people to read, with its check."""
    plain = json.loads(json.dumps(content))
    return json.dumps({**plain, _CHECK: _sum(plain)}, indent=1).encode()


def loads(data: bytes) -> dict[str, Any]:
    """The content again. Raises ValueError for what is no JSON object, or no longer the one that was written."""
    try:
        found = json.loads(data)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(found, dict):
        raise ValueError("it is no object")
    told = found.pop(_CHECK, None)
    if told is not None and told != _sum(found):
        raise ValueError("it was changed since it was written: its check is another")
    return found


def _sum(content: Mapping[str, Any]) -> str:
    return f"{zlib.crc32(json.dumps(content, sort_keys=True, separators=(',', ':')).encode()):08x}"
