"""Where `tow secrets` keeps secrets and `${keyring:...}` finds them: the system's keyring, else an encrypted file.

The keyring is used when it has a real backend (the `keyring` package's choice, which `PYTHON_KEYRING_BACKEND` sways);
a machine without a desktop mostly has none. Then it is `secrets` in `$XDG_DATA_HOME/towpath`, opened by the passphrase
in TOWPATH_PASSPHRASE or asked for on the terminal.
"""

from __future__ import annotations

import os
import sys
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from towpath import userfiles
from towpath.errors import MissingLibrary, Refused, UserError
from towpath.secrets import redact

if TYPE_CHECKING:
    from towpath.secrets.encrypted_file import EncryptedFile

_SHORTEST = 8
_INDEX = ("towpath", "names")
"""The entry of the keyring that lists what `tow secrets set` kept: a keyring cannot be asked for its names."""


class Vault(Protocol):
    """One place of secrets by their names, `service/user`. Raises Refused when it does not open."""

    place: str

    def get(self, name: str) -> str | None: ...

    def set(self, name: str, value: str) -> None: ...

    def remove(self, name: str) -> bool:
        """Whether it was there."""
        ...

    def names(self) -> list[str]: ...


def opened() -> Vault:
    """The place that this machine has. Raises MissingLibrary without the extra `secrets`."""
    try:
        import keyring

        from towpath.secrets.encrypted_file import EncryptedFile
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("keyring", "cryptography"):
            raise
        raise MissingLibrary(
            f"keeping secrets needs the package {error.name}", todo="pip install 'towpath[secrets]'"
        ) from error
    backend = keyring.get_keyring()
    return Keyring(backend) if _is_real(backend) else File(EncryptedFile(userfiles.data() / "secrets"))


def _is_real(backend: Any) -> bool:
    from keyring.backends import chainer, fail, null

    if isinstance(backend, chainer.ChainerBackend):
        return any(_is_real(one) for one in backend.backends)
    return not isinstance(backend, (fail.Keyring, null.Keyring))


def split(name: str) -> tuple[str, str]:
    """A name's service and user. Raises UserError when it has not both."""
    service, _, user = name.rpartition("/")
    if not service or not user or "}" in name or not name.isprintable():
        raise UserError(
            f"{name!r} is no name of a secret", todo="write service/user, such as shop/ann", code="secret-name-wrong"
        )
    return service, user


class Keyring:
    """The system's keyring, by the `keyring` package."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend
        self.place = f"the keyring {backend.name}"

    def get(self, name: str) -> str | None:
        value: str | None = self._asked("get_password", *split(name))
        return value

    def set(self, name: str, value: str) -> None:
        self._asked("set_password", *split(name), value)
        self._list(self._names() | {name})

    def remove(self, name: str) -> bool:
        if self.get(name) is None:
            return False
        self._asked("delete_password", *split(name))
        self._list(self._names() - {name})
        return True

    def names(self) -> list[str]:
        """Those that `tow secrets set` kept; other programs' are not listed."""
        return sorted(self._names())

    def _names(self) -> frozenset[str]:
        return frozenset(filter(None, (self._asked("get_password", *_INDEX) or "").split("\n")))

    def _list(self, names: frozenset[str]) -> None:
        self._asked("set_password", *_INDEX, "\n".join(sorted(names)))

    def _asked(self, method: str, *values: str) -> Any:
        from keyring.errors import KeyringError

        try:
            return getattr(self._backend, method)(*values)
        except KeyringError as error:
            raise Refused(
                f"refuses: {error}", where=self.place, todo="unlock it, then try again", code="secrets-locked"
            ) from error


class File:
    """The encrypted file."""

    def __init__(self, file: EncryptedFile) -> None:
        self._file = file
        self.place = f"the encrypted file {file.path}"

    def get(self, name: str) -> str | None:
        split(name)
        return self._all().get(name)

    def set(self, name: str, value: str) -> None:
        split(name)
        with self._file.changing(_passphrase(self._file.path, new=not self._file.path.exists())) as names:
            names[name] = value

    def remove(self, name: str) -> bool:
        if name not in self._all():
            return False
        with self._file.changing(_passphrase(self._file.path)) as names:
            return names.pop(name, None) is not None

    def names(self) -> list[str]:
        return sorted(self._all())

    def _all(self) -> dict[str, str]:
        path = self._file.path
        try:
            found = path.stat()
        except FileNotFoundError:
            return {}  # nothing to ask a passphrase for
        return _read(self._file.path, found.st_mtime_ns, found.st_ino, _passphrase(path))


@lru_cache(maxsize=4)
def _read(path: Path, changed: int, inode: int, passphrase: str) -> dict[str, str]:
    """Making the key takes half a second, and a job may have several references."""
    from towpath.secrets.encrypted_file import EncryptedFile

    return EncryptedFile(path).read(passphrase)


def _passphrase(path: Path, *, new: bool = False) -> str:
    """From TOWPATH_PASSPHRASE, else asked on the terminal, once for each process and twice for a new file."""
    given = os.environ.get("TOWPATH_PASSPHRASE") or _asked.get(path)
    if given is None:
        if not sys.stdin.isatty():
            raise UserError(
                "it is encrypted, and there is no terminal to ask for its passphrase",
                where=str(path),
                todo="export TOWPATH_PASSPHRASE=...",
                code="passphrase-missing",
            )
        given = _ask(path, new)
    if new and len(given) < _SHORTEST:
        raise UserError(
            f"a passphrase has at least {_SHORTEST} characters", todo="choose another one", code="passphrase-wrong"
        )
    redact.known(given, "the passphrase")
    _asked[path] = given
    return given


_asked: dict[Path, str] = {}


def _ask(path: Path, new: bool) -> str:
    from getpass import getpass

    given = getpass(f"{'New passphrase' if new else 'Passphrase'} for {path}: ")
    if new and getpass("The same again: ") != given:
        raise UserError("the two passphrases differ", todo="try again", code="passphrase-wrong")
    return given
