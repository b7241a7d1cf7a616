"""A folder in which a secret of its own stands behind each kind of credential, and what points to them."""

from __future__ import annotations

import json
import os
import random
import socket
from pathlib import Path
from urllib.parse import quote

import keyring
import pytest
from keyring.backends import fail

from tests.attacks.secrets.canary import ASCII, canary, leaks
from towpath.cli.main import main
from towpath.secrets import vault

PLANTED = (
    ".env", "key.txt", "pgpass", "pg_service.conf", "netrc", "credentials", "aws-config", "plain.yaml",
)  # fmt: skip


class World:
    """`secret` gives the one behind a kind of credential. Servers are named by a port where nobody listens; the DuckDB
    file is real."""

    def __init__(self, folder: Path, chance: random.Random, patch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.texts: dict[str, str] = {}
        self._chance = chance
        self._patch = patch
        self._secrets: dict[str, str] = {}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.closed = free.getsockname()[1]
        patch.chdir(folder)
        patch.setattr(keyring, "get_keyring", fail.Keyring)
        patch.setattr(vault, "_asked", {})
        for name in [one for one in os.environ if one.startswith(("AWS_", "PG"))]:
            patch.delenv(name)
        for name, sub in (
            ("TOWPATH_STATE", "state"),
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_CACHE_HOME", "cache"),
            ("HOME", "home"),
        ):
            patch.setenv(name, str(folder / sub))
        for sub in ("home", "tmp"):
            (folder / sub).mkdir()
        patch.setenv("TMPDIR", str(folder / "tmp"))
        self._plant()

    def secret(self, kind: str, *, odd: bool = True) -> str:
        if kind not in self._secrets:
            signs = {"signs": ASCII} if kind in ("duckdb", "dotenv") else {}  # DuckDB takes no other letters
            self._secrets[kind] = canary(self._chance, odd=odd, **signs)
        return self._secrets[kind]

    @property
    def secrets(self) -> list[str]:
        return list(self._secrets.values())

    def env(self, kind: str) -> str:
        self._patch.setenv(f"CANARY_{kind.upper()}", self.secret(kind))
        return f"${{env:CANARY_{kind.upper()}}}"

    def tow(self, *words: str, capfd: pytest.CaptureFixture[str], stdin: str = "") -> tuple[int, str]:
        """Runs a command and keeps what it says."""
        capfd.readouterr()
        try:
            code = main(list(words))
        except SystemExit as stop:
            code = int(stop.code or 0)
        said = "".join(capfd.readouterr())
        self.texts[f"{len(self.texts)} {' '.join(words)[:60]}"] = said
        return code, said

    def leaks(self) -> list[str]:
        return leaks(self.secrets, self.texts, self.folder, PLANTED)

    def _plant(self) -> None:
        folder, patch, at = self.folder, self._patch, f"127.0.0.1:{self.closed}"
        told = self.secret("dotenv").replace("\\", "\\\\").replace('"', '\\"')
        (folder / ".env").write_text(f'CANARY_DOTENV="{told}"\n')
        (folder / "key.txt").write_text(self.secret("file") + "\n")
        patch.setenv("TOWPATH_PASSPHRASE", self.secret("passphrase"))
        vault.opened().set("shop/key", self.secret("keyring"))
        escaped = self.secret("pgpass").replace("\\", "\\\\").replace(":", "\\:")
        _private(folder / "pgpass", f"127.0.0.1:{self.closed}:*:ann:{escaped}\n")
        patch.setenv("PGPASSFILE", str(folder / "pgpass"))
        service = (
            f"[shop]\nhost=127.0.0.1\nport={self.closed}\ndbname=shop\nuser=bob\npassword={self.secret('service')}\n"
        )
        _private(folder / "pg_service.conf", service)
        patch.setenv("PGSERVICEFILE", str(folder / "pg_service.conf"))
        _private(folder / "netrc", f"machine 127.0.0.1 login ann password {self.secret('netrc', odd=False)}\n")
        patch.setenv("NETRC", str(folder / "netrc"))
        aws = "[shop]\naws_access_key_id = AKIDCANARY\n"
        aws += f"aws_secret_access_key = {self.secret('aws', odd=False)}\n"
        aws += f"aws_session_token = {self.secret('token', odd=False)}\n"
        _private(folder / "credentials", aws)
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(folder / "credentials"))
        patch.setenv("AWS_CONFIG_FILE", str(folder / "aws-config"))
        (folder / "aws-config").write_text("[profile shop]\nregion = us-east-1\n")
        keys = f"access_key=AK&secret_key={self.env('s3')}&session_token={self.env('s3token')}"
        connections = {
            "address": f"postgresql://ann:{quote(self.secret('address'), safe='')}@{at}/shop",
            "env": f"postgresql://ann:{self.env('env')}@{at}/shop",
            "dotenv": f"mariadb://ann:${{env:CANARY_DOTENV}}@{at}/shop",
            "file": f"postgresql+adbc://ann:${{file:key.txt}}@{at}/shop",
            "vault": f"postgresql+psycopg2://ann:${{keyring:shop/key}}@{at}/shop",
            "pgpass": f"postgresql://ann@{at}/shop",
            "service": "postgresql://?service=shop",
            "tls": f"postgresql+adbc://ann@{at}/shop?sslmode=require&sslpassword={self.env('tls')}",
            "profile": f"s3://bucket?endpoint=http://{at}&profile=shop",
            "s3": f"s3://bucket?endpoint=http://{at}&{keys}",
            "kafka": f"kafka://ann:{self.env('kafka')}@{at}?sasl=PLAIN&timeout_secs=2",
            "duckdb": f"duckdb:///shop.db?builtin_encryption=true&encryption_key={self.env('duckdb')}",
        }
        self.connections = connections
        (folder / "plain.yaml").write_text(_pipeline({"plain": connections["address"]}))
        kept = {name: one for name, one in connections.items() if name != "address"}
        (folder / "tow.yaml").write_text(_pipeline(kept))
        (folder / "in.csv").write_text("id,n\n1,a\n2,b\nx,c\n")

    @property
    def tables(self) -> list[str]:
        """An address of something in each connection."""
        return [f"{name}/t.csv" if one.startswith("s3") else f"{name}#t" for name, one in self.connections.items()]


def _pipeline(connections: dict[str, str]) -> str:
    lines = [f"  {name}: {json.dumps(address, ensure_ascii=False)}" for name, address in connections.items()]
    steps = []
    for name in connections:
        to = json.dumps(f"{name}/t.csv" if name in ("s3", "profile") else f"{name}#t")
        steps.append(f"  {name}:\n    from: in.csv\n    to: {to}\n    mode: append\n    types: {{id: int64}}")
        steps.append("    bad_rows: bad\n    on_failure: continue")
    return "\n".join(["pipeline: shop", "connections:", *lines, "steps:", *steps, ""])


def _private(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o600)
