"""Every format of the registry, held to the suite."""

from towpath.conformance import FormatSuite


class TestArrow(FormatSuite):
    adapter = "arrow"


class TestCSV(FormatSuite):
    adapter = "csv"


class TestJSON(FormatSuite):
    adapter = "json"


class TestJSONLines(FormatSuite):
    adapter = "jsonl"


class TestParquet(FormatSuite):
    adapter = "parquet"


class TestTSV(FormatSuite):
    adapter = "tsv"
