from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from towpath.errors import UserError
from towpath.job import InputSpec
from towpath.look.peek import FIGURED, Peeked, peek


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    path = tmp_path / "a.csv"
    path.write_text("id,zip\n1,00501\n2,\n3,x\n")
    return path


def of(path: Path, text: str) -> Peeked:
    path.write_text(text)
    return peek(InputSpec(str(path)))


def test_the_first_rows_of_a_file_are_shown(csv: Path) -> None:
    found = peek(InputSpec(str(csv)), 2)
    assert found.rows.to_pydict() == {"id": [1, 2], "zip": ["00501", None]}


def test_a_short_file_is_read_whole_so_its_figures_and_types_are_sure(csv: Path) -> None:
    found = peek(InputSpec(str(csv)), 1)
    assert (found.counted, found.whole) == (3, True)
    assert [one.nulls for one in found.figures] == [0, 1]
    assert not any(map(found.from_sample, found.schema.names))


def test_the_figures_of_a_long_file_are_from_its_first_rows_and_say_so(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,name\n" + "".join(f"{number},n\n" for number in range(300_000)))
    found = peek(InputSpec(str(path)), types={"name": "text"})
    assert (found.counted, found.whole) == (FIGURED, False)
    assert (found.figures[0].low, found.figures[0].high) == ("0", str(FIGURED - 1))
    assert found.from_sample("id")
    assert not found.from_sample("name")  # its type was given
    every = peek(InputSpec(str(path)), whole=True)
    assert (every.counted, every.whole, every.figures[0].high) == (300_000, True, "299999")
    assert not every.from_sample("id")


def test_a_late_value_that_widens_a_type_widens_it_when_all_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id\n" + "1234567\n" * 300_000 + "x\n")
    assert peek(InputSpec(str(path))).schema.field("id").type == pa.int64()
    every = peek(InputSpec(str(path)), whole=True)
    assert every.schema.field("id").type == pa.string()
    assert (every.figures[0].distinct.count, every.figures[0].rows) == (2, 300_001)


def test_more_rows_than_the_figures_are_from_can_be_shown(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id\n" + "".join(f"{number}\n" for number in range(12_000)))
    assert peek(InputSpec(str(path)), 11_000).rows.num_rows == 11_000


def test_no_rows_show_the_columns_alone(csv: Path) -> None:
    found = peek(InputSpec(str(csv)), 0, figures=False)
    assert (found.rows.num_rows, found.figures, found.counted, found.whole) == (0, [], 0, False)


def test_a_bad_row_is_told_and_the_others_are_shown(tmp_path: Path) -> None:
    found = of(tmp_path / "a.csv", "id,n\n1,2\n3,4,5\n6,7\n")
    assert found.rows.column("id").to_pylist() == [1, 6]
    assert (found.bad_count, str(found.bad[0].place)) == (1, f"{tmp_path}/a.csv:3")


def test_only_the_first_few_bad_rows_are_kept(tmp_path: Path) -> None:
    found = of(tmp_path / "a.csv", "id,n\n" + "1,2,3\n" * 100)
    assert (found.bad_count, len(found.bad)) == (100, 5)


def test_a_column_that_is_not_there_names_the_nearest(csv: Path) -> None:
    for options in ({"types": {"idd": "text"}}, {"chart": "idd"}):
        with pytest.raises(UserError, match="no column 'idd'; did you mean 'id'") as error:
            peek(InputSpec(str(csv)), **options)  # type: ignore[arg-type]
        assert error.value.code == "column-unknown"


def test_fewer_than_no_rows_are_refused() -> None:
    with pytest.raises(UserError, match="-1 rows"):
        peek(InputSpec("a.csv"), -1)


def test_text_options_and_the_zone_apply(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,at\nNA,2026-01-01 12:00:00\n7,2026-07-01 12:00:00\n")
    found = peek(InputSpec(str(path), options={"null": ["NA"]}, timezone="Europe/Berlin"))
    assert found.schema.field("id").type == pa.int64()
    assert found.figures[0].nulls == 1
    assert found.schema.field("at").type.tz == "UTC"
    assert [str(one.hour) for one in found.rows.column("at").to_pylist()] == ["11", "10"]
    assert all(one.type == pa.string() for one in peek(InputSpec(str(path)), all_text=True).schema)


def test_json_tells_all_of_it_and_gives_numbers_as_numbers(tmp_path: Path) -> None:
    table = pa.table(
        {
            "n": pa.array([1, None]),
            "f": [float("nan"), 1.5],
            "t": ["a", ""],
            "day": pa.array([0, 1], pa.date32()),
            "ok": [True, None],
            "l": [[1], []],
        }
    )
    path = tmp_path / "a.parquet"
    pq.write_table(table, path)
    found = json.loads(json.dumps(peek(InputSpec(str(path)), chart="t").as_json(), allow_nan=False))
    assert found["rows"] == [
        {"n": 1, "f": "NaN", "t": "a", "day": "1970-01-01", "ok": True, "l": "[1]"},
        {"n": None, "f": 1.5, "t": "", "day": "1970-01-02", "ok": None, "l": "[]"},
    ]
    assert found["columns"][0] == {
        "name": "n", "type": "int64", "from_sample": False, "nulls": 1, "distinct": 1, "distinct_exact": True,
        "low": "1", "high": "1", "unit": "",
    }  # fmt: skip
    assert (found["counted"], found["whole"], found["bad_count"]) == (2, True, 0)
    assert found["chart"] == [{"value": "a", "rows": 1}, {"value": "", "rows": 1}]


@pytest.mark.parametrize("whole", [False, True])
def test_a_chart_is_from_the_same_rows_as_the_figures(tmp_path: Path, whole: bool) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id\n" + "".join(f"{number}\n" for number in range(15_000)))
    found = peek(InputSpec(str(path)), 0, whole=whole, chart="id")
    assert found.chart is not None
    assert sum(number for _, number in found.chart.bars) == found.counted == (15_000 if whole else FIGURED)
