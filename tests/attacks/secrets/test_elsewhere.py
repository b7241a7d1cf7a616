"""Where else a secret may be left: what other processes see, temporary files, what is written, Python objects."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
import time
from pathlib import Path

import pytest

import towpath
from tests.attacks.secrets.canary import forms, leaks
from tests.attacks.secrets.world import PLANTED, World
from tests.attacks.share import Attack
from towpath import history, move
from towpath.cli.main import main
from towpath.job import JobSpec
from towpath.secrets.secret import Secret

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def world(tmp_path: Path, attack: Attack, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> World:
    return World(tmp_path, attack.random(request.node.name), monkeypatch)


def _family(pid: int) -> list[int]:
    """A process and all below it."""
    found = [pid]
    for one in found:
        try:
            threads = list(Path(f"/proc/{one}/task").iterdir())
            found += [int(child) for thread in threads for child in (thread / "children").read_text().split()]
        except OSError:
            continue
    return found


def test_no_process_shows_a_secret_and_no_temporary_file_holds_one_while_a_run_goes_on(
    world: World, tmp_path: Path
) -> None:
    (world.folder / "in.csv").write_text("id,n\n" + "".join(f"{n},row {n}\n" for n in range(150_000)))
    seen: dict[str, str] = {}
    words = ["copy", "in.csv", "duckdb:///vault.db?builtin_encryption=true&encryption_key=${env:CANARY_DOTENV}#t"]
    # The secrets of the environment are in the environment of whoever was given them; those of files are to stay out.
    given = {name: one for name, one in os.environ.items() if not name.startswith(("CANARY_", "TOWPATH_PASSPHRASE"))}
    code = "import sys; from towpath.cli.main import main; sys.exit(main())"
    running = subprocess.Popen([sys.executable, "-c", code, *words], env=given, stderr=subprocess.PIPE, text=True)
    samples = 0
    while running.poll() is None:
        for pid in _family(running.pid):
            for name in ("cmdline", "environ"):
                try:
                    seen[f"{name} of {pid}"] = Path(f"/proc/{pid}/{name}").read_text(errors="surrogateescape")
                except OSError:
                    continue
        for path in world.folder.glob(".*tow*"):
            try:
                seen[path.name] = path.read_bytes()[: 1 << 20].decode("latin-1")
            except OSError:
                continue
        samples += 1
        time.sleep(0.02)
    _, said = running.communicate()
    assert running.returncode == 0, said
    assert samples > 5
    found = leaks(world.secrets, seen, tmp_path / "nowhere")
    assert not found, "\n".join(found[:10])
    assert not world.leaks()


@pytest.mark.one_of_many
@pytest.mark.parametrize(
    "name", ["out.parquet", "out.arrow", "out.csv", "out.jsonl", "out/", "duckdb:///o.db#t", "sqlite:///o.db#t"]
)
def test_what_is_written_has_no_secret_in_its_metadata(name: str, world: World, capfd: Capture) -> None:
    key = ["--from-opt", "encryption_key=${env:CANARY_DUCKDB}"]
    world.tow("copy", "in.csv", "duckdb:///shop.db#t", "--to-opt", "encryption_key=${env:CANARY_DUCKDB}",
              "--to-opt", "builtin_encryption=true", capfd=capfd)  # fmt: skip
    code, said = world.tow("copy", "duckdb:///shop.db#t", name, *key, "--load-columns", "run_id,loaded_at", capfd=capfd)
    assert code == 0, said
    assert not world.leaks()


def test_python_objects_and_errors_show_no_secret(world: World, capfd: Capture) -> None:
    address = world.connections["address"] + "#t"
    seen = {}
    for number, source in enumerate((address, world.connections["env"] + "#t")):
        with pytest.raises(towpath.TowError) as caught:
            towpath.copy(source, "out.csv")
        error = caught.value
        chain: BaseException | None = error
        while chain is not None:
            seen[f"{number} {type(chain).__name__}"] = (
                f"{chain!r} {chain} {chain.args} {getattr(chain, '__notes__', '')}"
            )
            chain = chain.__cause__ or chain.__context__
        seen[f"{number} pickled"] = pickle.dumps(error).decode("latin-1")
        seen[f"{number} again"] = repr(pickle.loads(pickle.dumps(error)))
        (receipt,) = history.latest(1)
        seen[f"{number} receipt"] = f"{receipt!r} {receipt} {receipt._repr_html_()} {receipt.dumps()}"
    secret = Secret(world.secret("made"))
    seen["secret"] = f"{secret!r} {secret} {[secret]} {copy.deepcopy(secret)!r}"
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    seen["out"] = "".join(capfd.readouterr())
    found = leaks(
        world.secrets,
        seen,
        world.folder,
        PLANTED,
    )
    assert not found, "\n".join(found[:10])


def test_a_crash_within_a_driver_prints_a_traceback_without_it(
    world: World, capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pymysql

    def crash(*_: object, **given: object) -> None:
        raise RuntimeError(f"connect({given!r}) failed") from KeyError(str(given.get("password")))

    monkeypatch.setattr(pymysql, "connect", crash)
    monkeypatch.setattr(pymysql.connections.Connection, "__init__", crash)
    for log in ("text", "json"):
        code, said = world.tow("copy", "in.csv", world.connections["dotenv"] + "#t", "--log", log, capfd=capfd)
        assert code == 1
        assert "RuntimeError" in said
        assert "***" in said
    assert not world.leaks()


def test_a_job_that_is_kept_or_shown_holds_no_secret(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    met: list[JobSpec] = []

    def keep(ground: object, *_: object) -> None:
        met.append(ground.spec)  # type: ignore[attr-defined]
        raise towpath.TowError("enough")

    monkeypatch.setattr(move, "_move", keep)
    assert main(["copy", "in.csv", "duckdb:///v.db#t", "--to-opt", "encryption_key=${env:CANARY_DUCKDB}",
                 "--to-opt", "builtin_encryption=true"]) == 1  # fmt: skip
    (spec,) = met
    assert world.secret("duckdb") not in f"{spec!r} {spec.as_json()}"


def test_the_search_finds_what_is_there(world: World, tmp_path: Path) -> None:
    value = world.secret("env")
    for form in forms(value):
        assert leaks([value], {"out": f"x{form}y"}, tmp_path / "nowhere"), form
