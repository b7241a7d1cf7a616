"""Every store of the registry, held to the suite."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from tests.s3kit import S3Place, place
from towpath.conformance import StoreSuite, Suite
from towpath.errors import UserError
from towpath.seams.store import Store


class TestLocal(StoreSuite):
    adapter = "file"


class TestS3(StoreSuite):
    adapter = "s3"

    @pytest.fixture(autouse=True)
    def _place(self, s3_place: S3Place) -> None:
        self.s3 = s3_place

    def make(self, folder: Path) -> Store:
        return self.s3.store()

    def root(self, folder: Path) -> str:
        return place(folder)


class TestStandardStreams(Suite):
    """Standard streams have no names and nothing unpublished, so the suite cannot ask for them: this they"""

    seam = "store"
    adapter = "-"

    @pytest.fixture
    def store(self, tmp_path: Path) -> Store:
        return self.make(tmp_path)

    def test_standard_input_reads_the_same_twice(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a,b\n1,2\n")))
        assert [entry.path for entry in store.entries("-")] == ["-"]
        for _ in range(2):
            with store.open("-") as file:
                assert file.read() == b"a,b\n1,2\n"

    def test_what_is_staged_comes_out_once(self, store: Store, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
        with store.stage("-", "load1") as staged:
            staged.file.write(b"rows\n")
            staged.seal()
            staged.publish(create=True)
        assert capsysbinary.readouterr().out == b"rows\n"

    def test_no_state_is_kept_and_nobody_is_told_otherwise(self, store: Store) -> None:
        assert store.read_note("-") is None
        with pytest.raises(UserError):
            store.swap_note("-", b"state", None)
        assert not store.published("-", "")
