"""S3: what Towpath's store costs beside boto3's own transfers and pyarrow's file system, on one server, in turn.

    python bench/s3.py [--mb 64] [--rounds 3]

Prints the median seconds of each and the median of the ratios round by round: the same bytes up and down, then a
Parquet file of 20 columns copied by `towpath.copy` to S3 and back beside the same copies on the local disk, then two of
its 20 columns, with the requests and bytes that they took. The server is the lab's (SeaweedFS, a re-implementation, on
this machine): there is no network in between, so that the figures say what the client costs.
"""

from __future__ import annotations

import argparse
import io
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pyarrow as pa
import pyarrow.fs as fs
import pyarrow.parquet as pq
from boto3.s3.transfer import TransferConfig

import towpath
from towpath import registry
from towpath.lab import Lab, Server

BUCKET = "lab"
_CHUNK = 1 << 20
_PART = 8 << 20
Work = Callable[[], object]


class Ways:
    """The same transfers by Towpath's store, by boto3 and by pyarrow."""

    def __init__(self, server: Server) -> None:
        secret = server.password.reveal() if server.password is not None else ""
        endpoint = f"http://{server.host}:{server.port}"
        login = {"endpoint": endpoint, "access_key": server.user, "secret_key": server.password}
        self.store: Any = registry.make(registry.find("store", "s3"), login)
        self.client: Any = boto3.client(
            "s3", endpoint_url=endpoint, aws_access_key_id=server.user, aws_secret_access_key=secret,
            region_name="us-east-1",
        )  # fmt: skip
        self.files = fs.S3FileSystem(
            access_key=server.user, secret_key=secret, endpoint_override=endpoint, region="us-east-1"
        )
        self.transfer = TransferConfig(multipart_threshold=_PART, multipart_chunksize=_PART, max_concurrency=4)

    def up(self, data: bytes) -> dict[str, Work]:
        def tow() -> None:
            with self.store.stage(f"{BUCKET}/tow", "bench") as staged:
                for begin in range(0, len(data), _CHUNK):
                    staged.file.write(data[begin : begin + _CHUNK])
                staged.seal()
                staged.publish(create=False)

        def arrow() -> None:
            with self.files.open_output_stream(f"{BUCKET}/arrow") as file:
                for begin in range(0, len(data), _CHUNK):
                    file.write(data[begin : begin + _CHUNK])

        def boto() -> None:
            self.client.upload_fileobj(io.BytesIO(data), BUCKET, "boto", Config=self.transfer)

        return {"towpath": tow, "boto3": boto, "pyarrow": arrow}

    def down(self) -> dict[str, Work]:
        def drained(file: Any) -> None:
            with file:
                while file.read(_CHUNK):
                    pass

        def boto() -> None:
            self.client.download_fileobj(BUCKET, "boto", io.BytesIO(), Config=self.transfer)

        return {
            "towpath": lambda: drained(self.store.open(f"{BUCKET}/tow")),
            "boto3": boto,
            "pyarrow": lambda: drained(self.files.open_input_stream(f"{BUCKET}/arrow")),
        }


def wide(path: Path, mb: int) -> None:
    """20 columns of doubles that do not compress."""
    rows = (mb << 20) // (20 * 8)
    values = np.random.default_rng(1)
    table = pa.table({f"c{number:02}": values.random(rows) for number in range(20)})
    pq.write_table(table, path, row_group_size=max(rows // 4, 1), compression="zstd")


def compare(title: str, works: dict[str, Work], rounds: int) -> None:
    """Runs each in turn; the first is what the others are compared with."""
    taken = []
    for work in works.values():
        work()
    for _ in range(rounds):
        taken.append([_seconds(work) for work in works.values()])
    first = [one[0] for one in taken]
    print(title)
    for at, name in enumerate(works):
        seconds = statistics.median(one[at] for one in taken)
        ratio = statistics.median(mine / one[at] for mine, one in zip(first, taken, strict=True))
        print(f"  {name:<28} {seconds:7.3f} s   {next(iter(works))} / it = {ratio:.2f}")


def _seconds(work: Work) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def counted(ways: Ways, work: Work) -> tuple[int, int]:
    """How many requests a piece of work sends, and how many bytes of bodies they ask for."""
    client, requests, asked = ways.store._login.client(), [0], [0]

    def sent(request: Any, **_: Any) -> None:
        requests[0] += 1
        span = request.headers.get("Range")
        if span:
            first, last = (span.decode() if isinstance(span, bytes) else span).removeprefix("bytes=").split("-")
            asked[0] += int(last) - int(first) + 1

    client.meta.events.register("before-send.s3", sent)
    work()
    client.meta.events.unregister("before-send.s3", sent)
    return requests[0], asked[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mb", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, Lab() as lab:
        os.environ["TOWPATH_STATE"], folder = f"{name}/state", Path(name)
        server = lab.up("s3")
        ways, data = Ways(server), np.random.default_rng(1).bytes(chosen.mb << 20)
        compare(f"{chosen.mb} MB up", ways.up(data), chosen.rounds)
        compare(f"{chosen.mb} MB down", ways.down(), chosen.rounds)
        os.environ |= {
            key: value if isinstance(value, str) else value.reveal() for key, value in server.environment.items()
        }
        wide(folder / "wide.parquet", chosen.mb)
        at, there, local = f"s3://{BUCKET}/wide.parquet", str(folder / "out.parquet"), str(folder / "wide.parquet")
        compare(
            "20 columns of Parquet, copied",
            {
                "local -> S3": lambda: towpath.copy(local, at, mode="replace"),
                "S3 -> local": lambda: towpath.copy(at, there, mode="replace"),
                "local -> local": lambda: towpath.copy(local, there, mode="replace"),
            },
            chosen.rounds,
        )
        two = ["c03", "c11"]
        compare(
            "2 of 20 columns read",
            {
                "towpath.read": lambda: pa.table(towpath.read(at, columns=two)),
                "pyarrow": lambda: pq.read_table(f"{BUCKET}/wide.parquet", columns=two, filesystem=ways.files),
            },
            chosen.rounds,
        )
        size = Path(local).stat().st_size
        with ways.store.open(f"{BUCKET}/wide.parquet") as file:
            requests, asked = counted(ways, lambda: pq.ParquetFile(file).read(columns=two))
        print(f"  requests: {requests}, bytes: {asked:,} of {size:,} ({asked / size:.1%})")


if __name__ == "__main__":
    main()
