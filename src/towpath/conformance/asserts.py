"""Makes pytest show the values of an assertion that failed in a suite; imported before them."""

import pytest

_SUITES = ("carry", "database", "database_tables", "destination", "engine", "format", "store", "suite", "table")
pytest.register_assert_rewrite(*(f"towpath.conformance.{name}" for name in _SUITES))
