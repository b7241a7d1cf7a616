from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from tests.lab.web import Family, Here, Web
from towpath.errors import Refused, UserError
from towpath.lab import Lab, Server
from towpath.lab.lab import obtained
from towpath.lab.processes import Process
from towpath.lab.recipe import Build, Unobtainable
from towpath.lab.server import OwnServer


def web(lab: Lab, **options: object) -> OwnServer:
    server = lab.up("web", **{"choices": [Web()], **options})  # type: ignore[arg-type]
    assert isinstance(server, OwnServer)
    return server


def tree(server: OwnServer) -> list[Process]:
    """The server's processes and its supervisor's."""
    assert server.supervisor is not None
    return server.supervisor.tree()


def test_a_lab_leaves_neither_processes_nor_files(tmp_path: Path) -> None:
    with Lab(tmp_path / "lab") as lab:
        server = web(lab, choices=[Family()])
        processes = tree(server)
        assert len(processes) == 3, "the supervisor, the server and its child"
        assert server.place.root.is_dir()
    assert not any(one.alive() for one in processes)
    assert list((tmp_path / "lab").iterdir()) == []


def test_a_temporary_folder_goes_with_the_lab() -> None:
    with Lab() as lab:
        folder = lab.folder
        web(lab)
    assert not folder.exists()


def test_the_running_server_is_returned() -> None:
    with Lab() as lab:
        assert web(lab) is web(lab)


def test_a_server_says_what_it_is_and_hides_its_password() -> None:
    with Lab() as lab:
        server = web(lab)
        assert server.told == "Web 1.0 (re-implementation)"
        assert server.password is not None
        password = server.password.reveal()
        assert server.address == f"http://lab:{password}@127.0.0.1:{server.port}/"
        assert password not in repr(server)
        assert password not in server.shown


def test_two_labs_at_once_do_not_meet() -> None:
    servers: list[OwnServer] = []
    with Lab() as one, Lab() as other:
        threads = [threading.Thread(target=lambda lab=lab: servers.append(web(lab))) for lab in (one, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        first, second = servers
        assert first.port != second.port
        assert first.place.root != second.place.root
        one.close()
        assert [server.process is not None and server.process.alive() for server in (first, second)].count(True) == 1


def test_a_child_that_was_forked_stops_nothing() -> None:
    with Lab() as lab:
        server = web(lab)
        pid = os.fork()
        if pid == 0:
            try:
                lab.close()
            finally:
                os._exit(0)
        os.waitpid(pid, 0)
        Web().answers("127.0.0.1", server.port)
        assert server.place.root.is_dir()


def test_a_killed_server_starts_again_on_the_same_port_and_data() -> None:
    with Lab() as lab:
        server = web(lab)
        (server.place.folder / "kept").write_text("x")
        before, port = tree(server), server.port
        server.kill()
        assert not any(one.alive() for one in before)
        assert server.pid is None
        server.start()
        assert server.port == port
        assert (server.place.folder / "kept").read_text() == "x"
        Web().answers("127.0.0.1", port)
        server.stop()
        with pytest.raises(OSError):
            Web().answers("127.0.0.1", port)


def test_a_server_that_died_by_itself_starts_again() -> None:
    with Lab() as lab:
        server = web(lab)
        assert server.process is not None
        server.process.kill()
        server.start()
        Web().answers("127.0.0.1", server.port)


def test_starting_a_running_server_changes_nothing() -> None:
    with Lab() as lab:
        server = web(lab)
        pid = server.pid
        server.start()
        assert server.pid == pid


def test_a_port_that_answers_is_refused_and_nothing_is_started(tmp_path: Path) -> None:
    with Lab() as one, Lab(tmp_path / "b") as other:
        taken = web(one).port
        with pytest.raises(Refused, match=f"port {taken} cannot be had: a server answers there already"):
            web(other, port=taken)
        assert not (tmp_path / "b").exists()


class Ends(Web):
    """A server that says why and ends."""

    program = "Ends"

    def command(self, place: object) -> list[str]:
        return ["/bin/sh", "-c", "echo the disk is full >&2; exit 3"]


class Silent(Web):
    """A server that never answers."""

    start_secs = 0.3

    def command(self, place: object) -> list[str]:
        return ["/bin/sleep", "600"]


def test_a_server_that_ends_at_once_is_told_with_its_last_words(tmp_path: Path) -> None:
    with Lab(tmp_path) as lab:
        with pytest.raises(Refused, match="Ends ended while it started: the disk is full") as caught:
            lab.up("web", choices=[Ends()])
        assert caught.value.code == "server-failed"
        assert list(tmp_path.iterdir()) == []


def test_a_server_that_does_not_answer_is_stopped_and_told(tmp_path: Path) -> None:
    with Lab(tmp_path) as lab, pytest.raises(Refused, match="does not answer after 0 s"):
        lab.up("web", choices=[Silent()])
    assert list(tmp_path.iterdir()) == []


class Broken(Here):
    title = "a broken way"

    def here(self) -> Build | None:
        return None

    def fetch(self) -> Build:
        raise Unobtainable("the moon is full")


class Better(Web):
    program = "Better"
    ways = (Broken(),)


def test_a_way_that_fails_says_why_and_the_next_is_taken() -> None:
    with Lab() as lab:
        server = lab.up("web", choices=[Better(), Web()])
        assert server.program == "Web"
        assert server.passed == ("Better, a broken way: the moon is full",)


def test_a_server_that_cannot_be_had_names_every_way() -> None:
    with pytest.raises(Refused, match="web cannot be had here: Better, a broken way: the moon is full") as caught:
        obtained("web", [Better()])
    assert caught.value.code == "server-unobtainable"
    assert "TOWPATH_LAB_WEB" in caught.value.todo


def test_an_unknown_server_names_the_nearest() -> None:
    with Lab() as lab, pytest.raises(UserError, match="did you mean 'mariadb'"):
        lab.up("mariabd")


def test_an_address_in_the_environment_is_used_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    with Lab() as owner:
        own = web(owner)
        monkeypatch.setenv("TOWPATH_LAB_WEB", own.address)
        with Lab() as lab:
            server: Server = lab.up("web", choices=[Web()])
            assert (server.address, server.port, server.user) == (own.address, own.port, "lab")
            assert server.password == own.password
            assert server.pid is None
            assert lab._folder is None, "no folder is made for nothing"
            for act in (server.stop, server.kill, server.start):
                with pytest.raises(Refused, match="which it did not start: named by TOWPATH_LAB_WEB"):
                    act()
        Web().answers("127.0.0.1", own.port)


def test_the_secrets_of_an_address_in_the_environment_are_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    with Lab() as owner, Lab() as lab:
        port = web(owner).port
        address = f"s3://lab?endpoint=http://127.0.0.1:{port}&access_key=ann&secret_key=hunter2hunter2"
        monkeypatch.setenv("TOWPATH_LAB_WEB", address)
        server = lab.up("web", choices=[Web()])
        assert server.port == port
        assert "hunter2" not in f"{server!r} {server.options}"


def test_a_server_of_the_environment_that_does_not_answer_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOWPATH_LAB_WEB", "http://127.0.0.1:1/")
    with Lab() as lab, pytest.raises(Refused, match="TOWPATH_LAB_WEB names a server that does not answer"):
        lab.up("web", choices=[Web()])
