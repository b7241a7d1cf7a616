"""The suites that hold an adapter to its contract: one a seam, for a plug-in or a learner's class too. Needs pytest.

from towpath.conformance import FormatSuite

class TestOrc(FormatSuite):
    adapter = Orc          # a class, or the name of a row of the registry
"""

from towpath.conformance import asserts as asserts
from towpath.conformance.database import DatabaseSuite
from towpath.conformance.destination import DestinationSuite
from towpath.conformance.engine import EngineSuite
from towpath.conformance.format import FormatSuite
from towpath.conformance.queue import QueueSuite
from towpath.conformance.record import RecordSuite
from towpath.conformance.store import StoreSuite
from towpath.conformance.suite import Suite
from towpath.conformance.table import TableSuite

__all__ = [
    "DatabaseSuite",
    "DestinationSuite",
    "EngineSuite",
    "FormatSuite",
    "QueueSuite",
    "RecordSuite",
    "StoreSuite",
    "Suite",
    "TableSuite",
]
