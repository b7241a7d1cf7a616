"""What all suites share: which adapter is held to its contract, and how a declared gap is told from a fault."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import pytest

from towpath import registry
from towpath.conformance.cases import CASES
from towpath.errors import BooksDoNotBalance, TowError

KINDS = ("never", "upstream", "todo")
Test = TypeVar("Test", bound=Callable[..., Any])


class Suite:
    """The base of every suite. A subclass names its `adapter`, or overrides `make`.

    An adapter class may hold `GAPS: ClassVar[dict[str, str]]`, from the id of a promise or of a case to
    `kind: reason`, the kind being never (the system cannot), upstream (its library cannot yet) or todo.
    """

    adapter: ClassVar[str | type[Any]]
    seam: ClassVar[str]

    def kind(self) -> type[Any]:
        """The adapter's class."""
        if isinstance(self.adapter, str):
            return registry.load(registry.find(self.seam, self.adapter))
        return self.adapter

    def make(self, folder: Path) -> Any:
        """The adapter, with its default options. `folder` is empty and belongs to one test."""
        return self.kind()()

    def gaps(self) -> Mapping[str, str]:
        return getattr(self.kind(), "GAPS", {})

    def known(self) -> set[str]:
        """The ids that a gap may have."""
        tests = (getattr(type(self), name) for name in dir(type(self)) if name.startswith("test_"))
        promises = {test.promise for test in tests if hasattr(test, "promise")}
        return {promise.format(case=case.id) for promise in promises for case in CASES}

    def test_every_gap_names_a_promise_and_its_kind(self) -> None:
        for id, reason in self.gaps().items():
            assert id in self.known(), f"the gap {id!r} names no case and no promise of this suite"
            kind, sign, why = reason.partition(": ")
            assert kind in KINDS, f"the gap {id!r} has the kind {kind!r}, not one of {', '.join(KINDS)}"
            assert sign, f"the gap {id!r} gives no reason"
            assert why.strip(), f"the gap {id!r} gives no reason"


def promise(id: str = "{case}") -> Callable[[Test], Test]:
    """Marks a test as the promise `id`, in which `{case}` stands for the id of its argument `case`.

    Refused (any TowError) and declared in GAPS: an expected failure. Refused and not declared: a failure that prints
    the line to declare. Kept though declared: a failure, for the gap is stale.
    """

    def mark(test: Test) -> Test:
        @functools.wraps(test)
        def held(self: Suite, *args: Any, **given: Any) -> None:
            with gap(id.format(case=given["case"].id if "case" in given else ""), self.gaps()):
                test(self, *args, **given)

        held.promise = id  # type: ignore[attr-defined]
        return held  # type: ignore[return-value]

    return mark


@contextmanager
def gap(id: str, gaps: Mapping[str, str]) -> Iterator[None]:
    """Tells a declared refusal from an undeclared one, and a gap that has closed."""
    try:
        yield
    except BooksDoNotBalance:
        raise
    except TowError as refusal:
        if id in gaps:
            pytest.xfail(gaps[id])
        line = f'    "{id}": "todo: {refusal.what}",'
        raise AssertionError(f"refused, and not declared: {refusal}\nkeep it, or add to GAPS:\n{line}") from refusal
    if id in gaps:
        pytest.fail(f"{id} works: delete the stale gap ({gaps[id]})")
