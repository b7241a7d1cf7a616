from __future__ import annotations

import json
import os
import stat
import threading
from base64 import b64encode
from hashlib import scrypt
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from towpath.errors import Refused
from towpath.secrets.encrypted_file import EncryptedFile, seal, unseal

N = 1 << 12
VECTOR = b"""{
 "version": 1,
 "n": 4096,
 "r": 8,
 "p": 1,
 "salt": "AAECAwQFBgcICQoLDA0ODw==",
 "nonce": "EBESExQVFhcYGRob",
 "sealed": "o+gwhvvl00bUGlDxBFrl41+jQm+x+qTsFWvknRY2A4nrwlUkmYp5"
}
"""
NAMES = {"shop/ann": "p'w\"%@ é\nline two", "a/b": ""}


def test_a_file_is_what_the_format_says() -> None:
    """Made here a second time from the description, by another library's scrypt."""
    salt, nonce = bytes(range(16)), bytes(range(16, 28))
    head = {"version": 1, "n": N, "r": 8, "p": 1, "salt": b64encode(salt).decode(), "nonce": b64encode(nonce).decode()}
    key = scrypt("l\u00f6sung".encode(), salt=salt, n=N, r=8, p=1, dklen=32, maxmem=1 << 26)
    plain = json.dumps(NAMES, ensure_ascii=False).encode()
    sealed = AESGCM(key).encrypt(nonce, plain, json.dumps(head, sort_keys=True, separators=(",", ":")).encode())
    content = json.dumps({**head, "sealed": b64encode(sealed).decode()}).encode()
    assert unseal(content, "lo\u0308sung", "x") == NAMES


def test_the_test_vector_is_written_and_read() -> None:
    salt, nonce = bytes(range(16)), bytes(range(16, 28))
    assert seal({"shop/ann": "hunter2"}, "correct horse", salt=salt, nonce=nonce, n=N) == VECTOR
    assert unseal(VECTOR, "correct horse", "x") == {"shop/ann": "hunter2"}


def test_secrets_come_back_from_a_file_of_its_owner_alone(tmp_path: Path) -> None:
    file = EncryptedFile(tmp_path / "new" / "secrets", N)
    assert file.read("correct horse") == {}
    with file.changing("correct horse") as names:
        names.update(NAMES)
    assert EncryptedFile(file.path).read("correct horse") == NAMES
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.path.parent.stat().st_mode) == 0o700
    assert os.listdir(file.path.parent) == ["secrets"]
    first = json.loads(file.path.read_text())
    with file.changing("correct horse"):
        pass
    second = json.loads(file.path.read_text())
    assert all(first[name] != second[name] for name in ("salt", "nonce", "sealed"))
    assert b"shop" not in file.path.read_bytes()


def test_the_passphrase_of_new_files_costs_what_it_should(tmp_path: Path) -> None:
    file = EncryptedFile(tmp_path / "secrets")
    with file.changing("correct horse"):
        pass
    head = json.loads(file.path.read_text())
    assert head["n"] >= 1 << 15
    assert (head["r"], head["p"]) == (8, 1)


def test_a_wrong_passphrase_is_told() -> None:
    with pytest.raises(Refused, match="the passphrase is wrong, or the file was changed"):
        unseal(VECTOR, "correct horsE", "x")


@pytest.mark.parametrize("name", ["n", "r", "p", "salt", "nonce", "sealed"])
def test_no_member_can_be_changed_unseen(name: str) -> None:
    head = json.loads(VECTOR)
    head[name] = (
        head[name] * 2 if isinstance(head[name], int) else ("B" if head[name][0] == "A" else "A") + head[name][1:]
    )
    with pytest.raises(Refused, match="does not open"):
        unseal(json.dumps(head).encode(), "correct horse", "x")


CHANGES = (
    {"version": 2},
    {"n": 1 << 30},
    {"n": 1000},
    {"n": "4096"},
    {"r": 0},
    {"salt": "!"},
    {"nonce": "AAAA"},
    {"sealed": 1},
)
CHANGED = [json.dumps({**json.loads(VECTOR), **change}).encode() for change in CHANGES]


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"\xff", b'"x"', *CHANGED])
def test_what_is_no_such_file_is_told_at_once(content: bytes) -> None:
    with pytest.raises(Refused, match="is no file of secrets"):
        unseal(content, "correct horse", "secrets")


def test_an_error_in_between_changes_nothing(tmp_path: Path) -> None:
    file = EncryptedFile(tmp_path / "secrets", N)
    with file.changing("correct horse") as names:
        names["a/b"] = "1"
    before = file.path.read_bytes()
    with pytest.raises(Refused), file.changing("wrong"):
        pass
    with pytest.raises(KeyError), file.changing("correct horse") as names:
        del names["none"]
    assert file.path.read_bytes() == before
    assert os.listdir(tmp_path) == ["secrets"]


def test_two_that_change_it_at_once_wait_for_each_other(tmp_path: Path) -> None:
    file = EncryptedFile(tmp_path / "secrets", N)

    def add(name: str) -> None:
        with file.changing("correct horse") as names:
            names[name] = name

    threads = [threading.Thread(target=add, args=(f"a/{number}",)) for number in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(file.read("correct horse")) == 8
