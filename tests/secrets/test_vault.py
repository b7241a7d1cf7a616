from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, ClassVar

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends import chainer, fail, null
from keyring.errors import KeyringLocked, PasswordDeleteError

from towpath.errors import MissingLibrary, Refused, UserError
from towpath.secrets import redact, vault
from towpath.secrets.references import resolve


class Emulated(KeyringBackend):
    """An emulator of a desktop's keyring: keyring's own backend API over a dictionary."""

    priority = 1  # type: ignore[assignment]
    name = "Emulated"

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}
        self.locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise KeyringLocked("it is locked")
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if (service, username) not in self.kept:
            raise PasswordDeleteError("not there")
        del self.kept[service, username]


@pytest.fixture
def using(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes a backend the one that keyring chooses."""
    return lambda backend: monkeypatch.setattr(keyring, "get_keyring", lambda: backend)


@pytest.fixture
def passphrase(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOWPATH_PASSPHRASE", "correct horse")
    monkeypatch.setattr(vault, "_asked", {})


@pytest.fixture(params=["keyring", "file"])
def place(request: pytest.FixtureRequest, using: Any, passphrase: None) -> vault.Vault:
    using(Emulated() if request.param == "keyring" else fail.Keyring())
    return vault.opened()


def test_a_secret_is_kept_found_listed_and_removed(place: vault.Vault) -> None:
    assert place.names() == []
    assert place.get("shop/ann") is None
    for name in ("shop/ann", "https://host/api/bob"):
        place.set(name, "hunter2\ntwo é")
    place.set("shop/ann", "hunter3")
    assert place.names() == ["https://host/api/bob", "shop/ann"]
    assert vault.opened().get("shop/ann") == "hunter3"
    assert resolve("${keyring:https://host/api/bob}") == "hunter2\ntwo é"
    assert redact.clean("hunter2") == "***"
    assert place.remove("shop/ann")
    assert not place.remove("shop/ann")
    assert place.names() == ["https://host/api/bob"]
    with pytest.raises(UserError, match="there is no secret 'shop/ann'") as caught:
        resolve("${keyring:shop/ann}")
    assert caught.value.todo == "tow secrets set shop/ann"


def test_what_others_keep_in_the_keyring_is_found_too(using: Any) -> None:
    backend = Emulated()
    backend.kept["db", "ann"] = "hunter2"
    using(backend)
    assert resolve("${keyring:db/ann}") == "hunter2"
    assert vault.opened().names() == []
    assert vault.opened().remove("db/ann")
    assert backend.kept.get(("db", "ann")) is None


class EmptyChain(chainer.ChainerBackend):
    """keyring's own chain, on a machine that has nothing to chain."""

    backends: ClassVar[list[Any]] = []  # type: ignore[misc]


@pytest.mark.parametrize("backend", [fail.Keyring, null.Keyring, EmptyChain])
def test_without_a_real_keyring_the_file_is_used(backend: type, using: Any, passphrase: None) -> None:
    using(backend())
    assert vault.opened().place.startswith("the encrypted file ")


def test_a_keyring_that_is_locked_is_told(using: Any) -> None:
    backend = Emulated()
    backend.locked = True
    using(backend)
    with pytest.raises(Refused, match="it is locked"):
        resolve("${keyring:db/ann}")


@pytest.mark.parametrize("name", ["ann", "/ann", "shop/", "", "a}/b", "a\n/b"])
def test_a_name_has_a_service_and_a_user(name: str) -> None:
    with pytest.raises(UserError, match="is no name of a secret"):
        vault.split(name)


def test_a_service_may_have_slashes() -> None:
    assert vault.split("https://h/a/ann") == ("https://h/a", "ann")


def test_no_passphrase_and_no_terminal_is_an_error(place: vault.Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    place.set("a/b", "hunter2")
    if isinstance(place, vault.Keyring):
        return
    monkeypatch.delenv("TOWPATH_PASSPHRASE")
    monkeypatch.setattr(vault, "_asked", {})
    with pytest.raises(UserError, match="no terminal") as caught:
        place.get("a/b")
    assert "TOWPATH_PASSPHRASE" in caught.value.todo


def test_nothing_is_asked_for_while_there_is_no_file(using: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOWPATH_PASSPHRASE", raising=False)
    using(fail.Keyring())
    assert vault.opened().names() == []


def test_a_new_file_wants_a_passphrase_that_is_not_short(using: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOWPATH_PASSPHRASE", "short")
    monkeypatch.setattr(vault, "_asked", {})
    using(fail.Keyring())
    with pytest.raises(UserError, match="at least 8 characters"):
        vault.opened().set("a/b", "x")


def test_the_passphrase_is_never_shown(place: vault.Vault) -> None:
    place.set("a/b", "hunter2")
    if isinstance(place, vault.File):
        assert redact.clean("correct horse") == "***"


@pytest.mark.parametrize("library", ["keyring", "cryptography"])
def test_a_missing_extra_says_what_to_install(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [one for one in sys.modules if one.partition(".")[0] == library]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "towpath.secrets.encrypted_file", raising=False)
    monkeypatch.setattr(sys, "meta_path", [_Missing(library), *sys.meta_path])
    with pytest.raises(MissingLibrary, match=library) as caught:
        vault.opened()
    assert caught.value.todo == "pip install 'towpath[secrets]'"


class _Missing:
    """Says of one package that it is not installed, as the import system does."""

    def __init__(self, name: str) -> None:
        self.name = name

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if name.partition(".")[0] == self.name:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def test_the_file_lies_in_the_users_data_folder(using: Any, passphrase: None, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    using(fail.Keyring())
    vault.opened().set("a/b", "x")
    assert (tmp_path / "towpath" / "secrets").is_file()
