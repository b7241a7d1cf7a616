"""The lab's S3 server for tests: addresses with keys in references, a store, and a client that looks behind it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from towpath import registry
from towpath.lab import Server
from towpath.seams.store import Store

BUCKET = "lab"
SECRET = "TOW_TEST_S3_SECRET"


class S3Place:
    """A part of the server's bucket that belongs to one test."""

    def __init__(self, server: Server, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.server = server
        self.endpoint = f"http://{server.host}:{server.port}"
        monkeypatch.setenv(SECRET, server.password.reveal())
        monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_ENDPOINT_URL_S3"):
            monkeypatch.delenv(name, raising=False)

    def options(self, **more: Any) -> dict[str, Any]:
        login = {"access_key": self.server.user, "secret_key": self.server.password}
        return {"endpoint": self.endpoint, **login, **more}

    def store(self, **more: Any) -> Any:
        made: Store = registry.make(registry.find("store", "s3"), self.options(**more))
        return made

    def address(self, path: str, **more: Any) -> str:
        """The address of a path of the store, with the secret key as a reference."""
        options = {"endpoint": self.endpoint, "access_key": self.server.user, **more}
        return f"s3://{path}?{urlencode(options, safe=':/')}&secret_key=${{env:{SECRET}}}"

    def client(self) -> Any:
        """boto3's own client."""
        import boto3

        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=self.server.user,
            aws_secret_access_key=self.server.password.reveal(),
        )

    def keys(self, path: str) -> list[str]:
        """Every object below a path, as the server lists it, hidden ones too."""
        pages = self.client().get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=_key(path))
        return [one["Key"] for page in pages for one in page.get("Contents", ())]

    def tree(self, path: str) -> dict[str, bytes]:
        """Every object below a path with its bytes, and every unfinished upload."""
        client, prefix = self.client(), _key(path)
        found = {
            key.removeprefix(prefix): client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
            for key in self.keys(path)
        }
        return found | {f"upload {key}": b"" for key in self.uploads(path)}

    def uploads(self, path: str) -> list[str]:
        found = self.client().list_multipart_uploads(Bucket=BUCKET, Prefix=_key(path))
        return [one["Key"] for one in found.get("Uploads", ())]


def place(folder: Path) -> str:
    """The path of the store that stands for a folder of pytest's."""
    return f"{BUCKET}/{re.sub('[^A-Za-z0-9/-]', '-', '/'.join(folder.parts[-2:]))}"


def _key(path: str) -> str:
    return path.partition("/")[2]


@pytest.fixture
def s3_place(s3_server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> S3Place:
    return S3Place(s3_server, monkeypatch, tmp_path_factory.mktemp("s3"))
