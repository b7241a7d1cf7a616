"""Makes pytest show the values of an assertion that failed in a suite; imported before them."""

import pytest

_SUITES = ("carry", "database", "destination", "engine", "format", "store", "suite")
pytest.register_assert_rewrite(*(f"towpath.conformance.{name}" for name in _SUITES))
