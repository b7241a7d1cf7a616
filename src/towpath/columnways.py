"""How columns reach the destination, in words and as JSON, for plans and receipts."""

from __future__ import annotations

from typing import Any

from towpath.nouns import ColumnPlan
from towpath.values import textform

LACKING = "{} (null or the default in new rows)"
"""Columns of the destination that the rows do not have."""


def column_json(plan: ColumnPlan, sample: bool = False) -> dict[str, Any]:
    """One column's way as plain JSON values (`receipt.ColumnWay`)."""
    return {
        "name": plan.name,
        "type": textform.type_name(plan.source),
        "to": plan.to,
        "stored": plan.stored.native or textform.type_name(plan.stored.type),
        "way": str(plan.way),
        "why": plan.why,
        "from_sample": sample,
    }
