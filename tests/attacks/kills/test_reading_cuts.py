"""Sources on a network, cut at random bytes of what they send: the rows are whole, or nothing is published."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Hashable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pyarrow.parquet as pq
import pytest

from tests.attacks.kills.kit import Scene, Undisturbed, attacked, undisturbed
from tests.attacks.kills.warm import Run, Warm
from tests.attacks.share import Attack
from tests.s3kit import BUCKET, SECRET
from towpath.lab import Server
from towpath.lab.faults.framing import Chunks, Framing, KafkaFraming, Way
from towpath.lab.faults.network import Call, Cut, Message, Passing
from towpath.lab.faults.proxy import Proxy

pytestmark = pytest.mark.timeout(1800)
ROWS = 30_000
_LOOK_SECS = 0.01


@dataclass(frozen=True)
class Kind:
    """A source: the server's name in the lab, what goes before `://`, and a file's name where it is one."""

    name: str
    server: str
    scheme: str
    file: str = ""
    options: str = ""
    framing: type[Framing] = Chunks

    def __str__(self) -> str:
        return self.name


KINDS = [
    Kind("postgresql", "postgresql", "postgresql"),
    Kind("adbc", "postgresql", "postgresql+adbc"),
    Kind("psycopg2", "postgresql", "postgresql+psycopg2"),
    Kind("mariadb", "mariadb", "mariadb"),
    *(Kind(f"s3-{file}", "s3", "s3", file) for file in ("in.csv", "in.csv.gz", "in.jsonl.zst", "in.parquet", "in/")),
    Kind("kafka", "kafka", "kafka", options="timeout_secs=4", framing=KafkaFraming),
]


@dataclass
class Reading(Scene):
    """A step that reads a source through a proxy into a Parquet file."""

    folder: Path
    source: str
    server: Server

    def __post_init__(self) -> None:
        super().__init__(self.folder)
        password = self.server.password
        self.env[SECRET] = "" if password is None else password.reveal()

    def begin(self, tow: Warm) -> None:
        (self.folder / "tow.yaml").write_text(
            f"pipeline: shop\nsteps:\n  orders:\n    from: '{self.source}'\n    to: out.parquet\n", "utf-8"
        )

    def see(self) -> Hashable:
        try:
            table = pq.read_table(self.folder / "out.parquet")
        except FileNotFoundError:
            return None
        rows = table.select(["id", "k", "v"]).sort_by("id").combine_chunks()
        return rows.num_rows, hashlib.sha256(repr(rows.to_pydict()).encode()).hexdigest()

    def leftovers(self) -> list[str]:
        known = ("tow.yaml", "out.parquet", ".out.parquet.tow-state", "home")
        return [one.name for one in self.folder.iterdir() if one.name not in known and not one.name.startswith("said-")]


@pytest.fixture(scope="session")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("rows") / "rows.csv"
    lines = (
        f"{number},k{number * 7919 % 1000:04},{hashlib.md5(b'%d' % number).hexdigest()}\n" for number in range(ROWS)
    )
    file.write_text(f"id,k,v\n{''.join(lines)}")
    return file


@pytest.fixture(scope="session")
def sources(rows: Path, tmp_path_factory: pytest.TempPathFactory, tow: Warm) -> Iterator[Any]:
    """Of a kind: its proxy, what makes scenes of it, what is right, and how many bytes its server sends; found once."""
    made: dict[Kind, tuple[Proxy, Callable[[], Reading], Undisturbed, int]] = {}
    with ExitStack() as stack:

        def of(kind: Kind, server: Server) -> tuple[Proxy, Callable[[], Reading], Undisturbed, int]:
            if kind not in made:
                proxy = stack.enter_context(Proxy(server.host, server.port, kind.framing))
                folder = tmp_path_factory.mktemp(kind.name.replace("/", ""))
                direct = _address(kind, server, f"{server.host}:{server.port}", f"t{secrets.token_hex(5)}")
                first = Reading(folder / "made", direct, server)
                done = tow.run(("copy", str(rows), direct), first.folder, first.env)
                assert done.code == 0, done.err
                through = direct.replace(f"{server.host}:{server.port}", f"{proxy.host}:{proxy.port}")

                def scene() -> Reading:
                    return Reading(folder / secrets.token_hex(5), through, server)

                known = undisturbed(tow, scene())
                proxy.clear()
                one = scene()
                one.folder.mkdir()
                one.begin(tow)
                assert tow.run(one.words, one.folder, one.env).code == 0
                sent = sum(message.length for message in proxy.messages if message.way is Way.SERVER)
                made[kind] = proxy, scene, known, sent
            made[kind][0].clear()
            return made[kind]

        yield of


def _address(kind: Kind, server: Server, at: str, name: str) -> str:
    if kind.server == "s3":
        options = {"endpoint": f"http://{at}", "access_key": server.user, "timeout_secs": 2}
        return f"s3://{BUCKET}/cuts/{name}/{kind.file}?{urlencode(options, safe=':/')}&secret_key=${{env:{SECRET}}}"
    rest = server.address.partition("://")[2]
    return f"{kind.scheme}://{rest}{kind.options and f'?{kind.options}'}#{name}"


class At:
    """Strikes in the message of a server with one byte of all that servers send, at that byte; from then on the server
    is away, where `gone`."""

    def __init__(self, proxy: Proxy, byte: int, *, gone: bool) -> None:
        self._proxy, self._byte, self._gone, self._sent = proxy, byte, gone, 0

    def when(self, message: Message) -> bool:
        if message.way is Way.SERVER:
            self._sent += message.length
        return message.way is Way.SERVER and self._sent > self._byte

    def strike(self, passing: Passing) -> None:
        keep = max(passing.message.length - (self._sent - self._byte), 0)
        if self._gone:
            passing.send(passing.data[:keep])
            Call(lambda _: self._proxy.down()).function(passing.message)
        else:
            Cut(keep).strike(passing)


@pytest.mark.one_of_many
@pytest.mark.parametrize("gone", [False, True], ids=["cut", "gone"])
@pytest.mark.parametrize(
    "kind", [pytest.param(one, marks=pytest.mark.server(one.server), id=one.name) for one in KINDS]
)
def test_what_is_cut_while_it_is_read_comes_whole_or_not_at_all(
    kind: Kind, gone: bool, sources: Any, lab: Any, tow: Warm, attack: Attack
) -> None:
    server = lab.up(kind.server)
    proxy, scene, known, sent = sources(kind, server)
    chance = attack.random(f"reading {kind} {gone}")
    for _ in range(attack.times(15, least=3)):
        byte = chance.randrange(sent)

        def cut(run: Run, byte: int = byte) -> None:
            proxy.clear()
            at = At(proxy, byte, gone=gone)
            proxy.fault(at.when, at)
            run.go()
            run.wait(120)
            proxy.clear()
            proxy.up()

        try:
            done = attacked(tow, scene(), known, cut, (0, 1), every=_LOOK_SECS)
        except AssertionError as error:
            raise AssertionError(f"{'gone' if gone else 'cut'} at byte {byte} of {sent}: {error}") from error
        if done.run.code == 1:
            (receipt,) = done.run.receipts()
            assert "[transient]" in receipt["why"] or "[refused]" in receipt["why"], receipt["why"]
