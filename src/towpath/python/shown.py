"""The plans and receipts of a whole pipeline: lists that show themselves as one, printed and in notebooks."""

from __future__ import annotations

from towpath.planning import Plan
from towpath.python import html
from towpath.receipt import Receipt, table


class Receipts(list[Receipt]):
    """The receipts of the steps; printed, the table that `tow run` ends with."""

    def __str__(self) -> str:
        return "\n".join(table(self))

    def _repr_html_(self) -> str:
        return html.receipts([(one.as_json(), one.what()) for one in self])


class Plans(list[Plan]):
    """The plans of the steps, in their order."""

    def __str__(self) -> str:
        return "\n\n".join(map(str, self))

    def _repr_html_(self) -> str:
        return "".join(html.plan(one.as_json()) for one in self)
