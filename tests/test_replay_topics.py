"""Bad rows of a topic sent on: by their values, and not without what stood beside these."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.kafkakit import produce, topic_of
from tests.movekit import table
from tests.test_replay import loaded, mend
from towpath.errors import Refused
from towpath.job import InputSpec, RuleSpec
from towpath.lab import Server
from towpath.replay import replay

VALUES = [b'{"id": 1, "n": 1}', b'{"id": 2, "n": "x"}', b'{"id": 3,', b'{\n"id": 4, "n": -4}']
RULES = (RuleSpec("range", ("n",), (0, None)),)


def load(server: Server, folder: Path, **options: Any) -> Path:
    """Loads three bad messages of four: one by its type, one that is no JSON, one by a rule."""
    name = topic_of(folder)
    produce(server, name, VALUES, key=b"k")
    source = InputSpec(f"{server.address}#{name}", options=options)
    return loaded(folder, source, 3, types={"n": "int64"}, rules=RULES)


@pytest.mark.server("kafka")
def test_messages_that_were_bad_are_sent_on_by_their_values(kafka_server: Server, tmp_path: Path) -> None:
    bad = load(kafka_server, tmp_path, deleted="skip", batch_bytes=1 << 20)
    mend(bad, {'\\"x\\"': "2", "-4": "4"})
    (again,) = replay(bad)
    assert (again.rows, again.set_aside) == (2, 1)
    mend(bad, {'{\\"id\\": 3,': '{\\"id\\": 3}'})
    assert [one.rows for one in replay(bad)] == [1]
    assert table(tmp_path / "w.db", "select id, n from t order by id") == [(1, 1), (2, 2), (3, None), (4, 4)]


@pytest.mark.server("kafka")
def test_columns_from_beside_the_values_are_not_made_null_unasked(kafka_server: Server, tmp_path: Path) -> None:
    bad = load(kafka_server, tmp_path, envelope="key,offset")
    mend(bad, {'\\"x\\"': '2, \\"_offset\\": 1', "-4": "4", '{\\"id\\": 3,': '{\\"id\\": 3}'})
    with pytest.raises(Refused, match=r"\(_key, _offset\), which are not kept") as caught:
        replay(bad)
    assert "--from-opt envelope=false" in str(caught.value.todo)
    rows = "select id, _key, _offset from t order by id"
    assert table(tmp_path / "w.db", rows) == [(1, "k", 0)]
    replay(bad, options={"envelope": "false"})
    assert table(tmp_path / "w.db", rows) == [(1, "k", 0), (2, None, 1), (3, None, None), (4, None, None)]


@pytest.mark.server("kafka")
def test_values_that_are_no_lines_are_not_sent_on(kafka_server: Server, tmp_path: Path) -> None:
    name = topic_of(tmp_path)
    produce(kafka_server, name, [b"a", b"b"])
    source = InputSpec(f"{kafka_server.address}#{name}", options={"value": "raw"})
    bad = loaded(tmp_path, source, 1, rules=(RuleSpec("range", ("offset",), (1, None)),))
    with pytest.raises(Refused, match="value=raw"):
        replay(bad)
