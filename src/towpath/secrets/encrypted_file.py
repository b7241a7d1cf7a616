"""Secrets in one encrypted file, for machines without a keyring: a key made from a passphrase by scrypt, AES-256-GCM.

The file is one JSON object in UTF-8:

    version   1
    n, r, p   scrypt's parameters (RFC 7914)
    salt      16 random bytes, base64
    nonce     12 random bytes, base64
    sealed    base64 of AES-256-GCM's ciphertext with its tag of 16 bytes behind it (RFC 5116)

The key is scrypt(passphrase, salt, n, r, p, 32 bytes), of the passphrase in UTF-8 and Unicode's form NFC. What is
sealed is a JSON object of names and secrets in UTF-8. The associated data, which thereby cannot be changed either, is
the JSON of the five other members with sorted keys and without blanks. Salt and nonce are new at every writing.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import secrets
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from towpath.errors import Refused

VERSION = 1
N, R, P = 1 << 17, 8, 1
_MOST_N, _MOST_R, _MOST_P = 1 << 20, 16, 16
_SALT_BYTES, _NONCE_BYTES, _KEY_BYTES = 16, 12, 32


def seal(names: dict[str, str], passphrase: str, *, salt: bytes, nonce: bytes, n: int = N) -> bytes:
    """The file's content for these names and secrets."""
    head = {"version": VERSION, "n": n, "r": R, "p": P, "salt": _text(salt), "nonce": _text(nonce)}
    plain = json.dumps(names, sort_keys=True, ensure_ascii=False).encode("utf-8")
    sealed = AESGCM(_key(passphrase, salt, n, R, P)).encrypt(nonce, plain, _associated(head))
    return json.dumps({**head, "sealed": _text(sealed)}, indent=1).encode("ascii") + b"\n"


def unseal(content: bytes, passphrase: str, where: str) -> dict[str, str]:
    """The names and secrets of a file's content. Raises Refused when it is none of this format, or when it does not
    open: the cipher cannot tell a wrong passphrase from a changed file."""
    head, salt, nonce, sealed = _parts(content, where)
    try:
        key = _key(passphrase, salt, head["n"], head["r"], head["p"])
        plain = AESGCM(key).decrypt(nonce, sealed, _associated(head))
    except InvalidTag as error:
        raise Refused(
            "does not open: the passphrase is wrong, or the file was changed",
            where=where,
            todo="give its passphrase (TOWPATH_PASSPHRASE), or remove the file and set all secrets anew",
            code="secrets-locked",
        ) from error
    found: dict[str, str] = json.loads(plain)
    return found


class EncryptedFile:
    """The secrets in one file of mode 600. Two processes that change it at the same time wait for each other."""

    def __init__(self, path: Path, n: int = N) -> None:
        self.path = path
        self._n = n

    def read(self, passphrase: str) -> dict[str, str]:
        """All names and secrets; {} when there is no file."""
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise self._refused(error) from error
        return unseal(content, passphrase, str(self.path))

    @contextmanager
    def changing(self, passphrase: str) -> Iterator[dict[str, str]]:
        """The names and secrets, to be changed in place; written as a whole, or not at all, at the end."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder = os.open(self.path.parent, os.O_RDONLY)
        except OSError as error:
            raise self._refused(error) from error
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            names = self.read(passphrase)
            yield names
            salt, nonce = secrets.token_bytes(_SALT_BYTES), secrets.token_bytes(_NONCE_BYTES)
            self._write(seal(names, passphrase, salt=salt, nonce=nonce, n=self._n), folder)
        finally:
            os.close(folder)

    def _write(self, content: bytes, folder: int) -> None:
        beside = self.path.with_name(f".{self.path.name}.new")
        try:
            beside.unlink(missing_ok=True)
            with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(beside, self.path)
            os.fsync(folder)
        except OSError as error:
            beside.unlink(missing_ok=True)
            raise self._refused(error) from error

    def _refused(self, error: OSError) -> Refused:
        reason = error.strerror or str(error)
        return Refused(f"secrets cannot be kept there: {reason}", where=str(self.path), code="permission-denied")


def _parts(content: bytes, where: str) -> tuple[dict[str, Any], bytes, bytes, bytes]:
    try:
        head = json.loads(content)
        sealed, salt, nonce = (
            base64.b64decode(part, validate=True) for part in (head.pop("sealed"), head["salt"], head["nonce"])
        )
        n, r, p = head["n"], head["r"], head["p"]
        # What a changed file asks for must not take all memory before the cipher finds it changed.
        bounded = 1 < n <= _MOST_N and n & (n - 1) == 0 and 0 < r <= _MOST_R and 0 < p <= _MOST_P
        if head["version"] != VERSION or not bounded or len(nonce) != _NONCE_BYTES:
            raise ValueError("unknown version or parameters")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Refused(
            f"is no file of secrets of version {VERSION}: it was changed, or a later tow made it",
            where=where,
            todo="restore it, or remove it and set all secrets anew",
            code="secrets-damaged",
        ) from error
    return head, salt, nonce, sealed


def _key(passphrase: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    spelled = unicodedata.normalize("NFC", passphrase).encode("utf-8")
    return Scrypt(salt=salt, length=_KEY_BYTES, n=n, r=r, p=p).derive(spelled)


def _associated(head: dict[str, Any]) -> bytes:
    return json.dumps(head, sort_keys=True, separators=(",", ":")).encode("ascii")


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")
