"""Secrets that occur nowhere else, and the search for them. Written without the code that is attacked."""

from __future__ import annotations

import base64
import gzip
import html
import json
import random
import shlex
import string
import zlib
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote, quote_plus

ASCII = "'\"@:/?#%&=+$ {}<>!*();,|"


def canary(chance: random.Random, *, odd: bool = True, signs: str = ASCII + "äß√", length: int = 18) -> str:
    """A secret of letters and digits, with signs in it that systems escape in ways of their own."""
    letters = [chance.choice(string.ascii_letters + string.digits) for _ in range(length)]
    if odd:
        for at in chance.sample(range(1, length - 1), 5):
            letters[at] = chance.choice(signs)
    return "".join(letters)


def forms(value: str) -> set[str]:
    """How a value may stand in a text: as it is, quoted, doubled, percent-encoded, in base64, hexadecimal, backwards;
    and any eight of its letters, for a part is a leak too."""
    raw = value.encode()
    found = {value, value[::-1], repr(value)[1:-1], ascii(value)[1:-1], shlex.quote(value)}
    found |= {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], json.dumps(json.dumps(value))[3:-3]}
    found |= {value.replace("'", "''"), value.replace('"', '""'), value.replace("'", "\\'"), html.escape(value)}
    found |= {quote(value), quote(value, safe=""), quote_plus(value), quote(value, safe="").lower()}
    found |= {raw.hex(), raw.hex().upper()}
    for before in range(3):
        coded = base64.b64encode(b"\0" * before + raw)
        found |= {coded[4:-4].decode(), base64.urlsafe_b64encode(b"\0" * before + raw)[4:-4].decode()}
    return {form for form in found if len(form) >= 8} | {value[at : at + 8] for at in range(len(value) - 7)}


def leaks(values: Iterable[str], texts: dict[str, str], folder: Path, planted: Iterable[str] = ()) -> list[str]:
    """Where values stand: in the texts, or in a file below the folder (unpacked, where it is packed), its name or the
    names of its attributes, but for the files in which they were planted."""
    everything = {name: text.encode("utf-8", "surrogateescape") for name, text in texts.items()}
    for path in folder.rglob("*"):
        name = str(path.relative_to(folder))
        everything[f"the name {name}"] = name.encode("utf-8", "surrogateescape")
        if path.is_file() and path.name not in planted:
            everything[name] = b"\n".join(_contents(path))
    return [
        f"{place}: {form!r} of {value!r}"
        for value in values
        for form in sorted(forms(value), key=len, reverse=True)
        for place, content in everything.items()
        if form.encode("utf-8", "surrogateescape") in content
    ]


def _contents(path: Path) -> Iterable[bytes]:
    data = path.read_bytes()
    yield data
    if data.startswith(b"\x1f\x8b"):
        yield gzip.decompress(data)
    if data.startswith(b"x\x9c"):
        yield zlib.decompress(data)
