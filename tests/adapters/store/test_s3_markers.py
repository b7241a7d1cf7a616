"""The notes of uploads under way: what one run writes, the next one reads, however long the note before it was."""

from __future__ import annotations

import dataclasses

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from towpath.adapters.store.s3_markers import Marker, Upload, noted

UPLOAD = Upload("http://127.0.0.1:1", "bucket", "folder/key", "load1", 1.0)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(notes=st.lists(st.tuples(st.floats(0, 2e9), st.none() | st.text(max_size=40)), min_size=1, max_size=4))
def test_the_last_of_several_notes_is_read(notes: list[tuple[float, str | None]]) -> None:
    marker = Marker(UPLOAD)
    try:
        for since, upload in notes:
            last = dataclasses.replace(UPLOAD, since=since, upload=upload)
            marker.begun(last)
            assert [one for one, _, _ in noted(UPLOAD.server, UPLOAD.bucket, UPLOAD.key)] == [last]
    finally:
        marker.drop()
    assert list(noted(UPLOAD.server, UPLOAD.bucket, UPLOAD.key)) == []
