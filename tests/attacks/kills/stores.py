"""Scenes of destinations on S3: one object, small or in parts, packed or not, and a folder with its manifest."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import random
import shutil
import signal
import time
import zipfile
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from botocore.exceptions import ClientError

from tests.attacks.kills.kit import Scene
from tests.attacks.kills.warm import Run, Warm
from tests.s3kit import BUCKET, SECRET
from towpath.lab import Server
from towpath.lab.faults.network import Message
from towpath.lab.faults.proxy import Proxy

SMALL = "".join(f"{number},k{number % 3},{number}.5\n" for number in range(30))
BIG = 6 << 20
"""Bytes of a file that takes two parts."""
PART_MB = 5


@dataclass(frozen=True)
class Case:
    """One destination in one mode. `name` ends with `/` for a folder; `big` objects go up in parts; a
    `strange` server is tried first, since nothing was written to it before."""

    name: str
    mode: str
    big: bool = False
    opts: str = ""
    strange: bool = False

    def __str__(self) -> str:
        how = f"{'strange-' * self.strange}{'big-' * self.big}"
        return f"{how}{self.name.replace('/', '')}{'-by' * bool(self.opts)}-{self.mode}"


_MODES = ("create", "append", "replace")
CASES = [
    *(Case("out.csv", mode) for mode in _MODES),
    *(Case("out.parquet", mode) for mode in _MODES),
    Case("out.csv", "create", strange=True),
    Case("out.csv.gz", "append"), Case("out.csv.bz2", "replace"), Case("out.csv.xz", "create"),
    Case("out.jsonl.zst", "append"), Case("out.csv.zip", "append"), Case("out.json", "append"),
    Case("out.arrow", "append"),
    *(Case("out.csv", mode, big=True) for mode in _MODES),
    Case("out.parquet", "replace", big=True),
    *(Case("parts/", mode) for mode in _MODES),
    *(Case("parts/", mode, opts=", partition_by: [k]") for mode in _MODES),
]  # fmt: skip


class S3Scene(Scene):
    """One case behind a proxy, in the same folder and at the same prefix each time: `begin` puts back what was there.

    The step reads the files of `in/`, of which the second one is new to it where the mode is not create."""

    def __init__(self, case: Case, folder: Path, server: Server, proxy: Proxy, client: Any) -> None:
        super().__init__(folder)
        self.case, self.server, self.proxy, self.client = case, server, proxy, client
        self.prefix = f"kills/{hashlib.sha256(str(folder).encode()).hexdigest()[:12]}/"
        self.env |= {
            SECRET: server.password.reveal(),
            "XDG_CACHE_HOME": str((folder if case.strange else folder.parent) / "cache"),
        }
        self._old: dict[str, tuple[bytes, Mapping[str, str]]] | None = None

    def begin(self, tow: Warm) -> None:
        shutil.rmtree(self.folder / "home", ignore_errors=True)
        self.end()
        if self.case.strange:
            shutil.rmtree(self.env["XDG_CACHE_HOME"], ignore_errors=True)
        if self._old is None:
            self._make(tow)
        for key, (body, metadata) in (self._old or {}).items():
            self.client.put_object(Bucket=BUCKET, Key=key, Body=body, Metadata=metadata)

    def see(self) -> Hashable:
        if self.case.name.endswith("/"):
            return self._see_folder()
        found = self._get(self.case.name)
        return None if found is None else _rows(self.case.name, found)

    def leftovers(self) -> list[str]:
        home = self.folder / "home" / "state"
        found = [str(path) for path in home.rglob("*.tow-tmp")]
        found += [f"upload {key}" for key in self._uploads()]
        named = {f"{self.prefix}{name}" for name in self._named()}
        found += [key for key in self._keys() if key not in named]
        return found

    def end(self) -> None:
        keys = self._keys()
        if keys:
            self.client.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": key} for key in keys]})
        for one in self.client.list_multipart_uploads(Bucket=BUCKET, Prefix=self.prefix).get("Uploads", ()):
            self.client.abort_multipart_upload(Bucket=BUCKET, Key=one["Key"], UploadId=one["UploadId"])

    def messages(self, tow: Warm) -> list[Message]:
        """What passes from the client in one run that nobody cuts."""
        self.begin(tow)
        self.proxy.clear()
        assert tow.run(self.words, self.folder, self.env).code == 0
        found = [one for one in self.proxy.messages if one.way == "client"]
        self.end()
        return found

    def _make(self, tow: Warm) -> None:
        source = self.folder / "in"
        source.mkdir()
        to = (
            f"s3://{BUCKET}/{self.prefix}{self.case.name}?endpoint=http://{self.proxy.host}:{self.proxy.port}"
            f"&access_key={self.server.user}&secret_key=${{env:{SECRET}}}&part_mb={PART_MB}&timeout_secs=1"
        )
        (self.folder / "tow.yaml").write_text(
            "pipeline: shop\nsteps:\n  orders:\n    from: in/*.csv\n"
            f"    to: {{address: '{to}'{self.case.opts}}}\n    mode: {self.case.mode}\n"
        )
        (source / "1.csv").write_text(f"id,k,v\n{self._lines(1)}")
        self._old = {}
        if self.case.mode != "create":
            done = tow.run(self.words, self.folder, self.env)
            assert done.code == 0, done.err
            for key in self._keys():
                found = self.client.get_object(Bucket=BUCKET, Key=key)
                self._old[key] = found["Body"].read(), found["Metadata"]
            (source / "2.csv").write_text(f"id,k,v\n{self._lines(2)}")

    def _lines(self, number: int) -> str:
        if not self.case.big:
            return SMALL.replace("k", f"{number}")
        chance = random.Random(number)
        return "".join(f"{row},{row % 3},{chance.randbytes(3000).hex()}\n" for row in range(BIG // 6000))

    def _see_folder(self) -> Hashable:
        while True:
            found = self._get("parts/_manifest.json")
            if not found or not found.strip():
                return None
            parts = [(one["path"], one["rows"]) for one in json.loads(found)["files"]]
            bodies = [self._get(f"parts/{path}") for path, _ in parts]
            if None not in bodies:
                return tuple(sorted(_rows(path, body or b"") for (path, _), body in zip(parts, bodies, strict=True)))
            assert self._get("parts/_manifest.json") != found, "the manifest names a file that is not there"

    def _named(self) -> Iterator[str]:
        """What belongs to the unit: itself, and the note of its state, which names no load under way."""
        if not self.case.name.endswith("/"):
            note = f".{self.case.name}.tow-state"
            assert json.loads(self._get(note) or b"{}").get("intent") is None
            yield from (self.case.name, note)
            return
        yield "parts/_manifest.json"
        if self._get("parts/.tow-loads") == b"":  # where deleting knows no condition, an empty object is a note removed
            yield "parts/.tow-loads"
        for one in json.loads(self._get("parts/_manifest.json") or b'{"files": []}')["files"]:
            yield f"parts/{one['path']}"

    def _get(self, name: str) -> bytes | None:
        try:
            body: bytes = self.client.get_object(Bucket=BUCKET, Key=self.prefix + name)["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
                return None
            raise
        return body

    def _keys(self) -> list[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=self.prefix)
        return [one["Key"] for page in pages for one in page.get("Contents", ())]

    def _uploads(self) -> list[str]:
        found = self.client.list_multipart_uploads(Bucket=BUCKET, Prefix=self.prefix)
        return [one["Key"] for one in found.get("Uploads", ())]


def _rows(name: str, body: bytes) -> str:
    """A digest of what a plain reader makes of an object."""
    if name.endswith(".parquet"):
        import pyarrow.parquet as pq

        table = pq.read_table(io.BytesIO(body)).combine_chunks()
        return hashlib.sha256(repr(table.to_pydict()).encode()).hexdigest()
    if name.endswith(".arrow"):
        return hashlib.sha256(repr(pa.ipc.open_file(body).read_all().to_pydict()).encode()).hexdigest()
    if name.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(body)) as packed:
            body = b"".join(map(packed.read, packed.namelist()))
    elif name.rpartition(".")[2] in ("gz", "bz2", "xz", "zst"):
        body = _unpacked(name.rpartition(".")[2], body)
    return hashlib.sha256(body).hexdigest()


def _unpacked(codec: str, body: bytes) -> bytes:
    import bz2
    import gzip
    import lzma

    if codec == "zst":
        with pa.CompressedInputStream(pa.BufferReader(body), "zstd") as stream:
            return bytes(stream.read())
    return {"gz": gzip.decompress, "bz2": bz2.decompress, "xz": lzma.decompress}[codec](body)


def killing(run: Run) -> Callable[[Message], None]:
    """What kills a run when a message comes; it returns once the run is gone."""

    def strike(_: Message) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(run.pid, signal.SIGKILL)
        with contextlib.suppress(OSError):  # the process is no more
            while Path(f"/proc/{run.pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX":
                time.sleep(0.001)

    return strike
