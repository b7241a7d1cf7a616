"""How a file writes its values, column by column, from the options that people give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from towpath.errors import UserError
from towpath.options import nearest
from towpath.text import date_formats
from towpath.text.date_formats import DateFormats
from towpath.text.numerals import Numerals
from towpath.text.optimistic import Convention


@dataclass(frozen=True, slots=True)
class Conventions:
    """What all columns have in common, and the date formats of those that differ."""

    common: Convention = field(default_factory=Convention)
    formats: DateFormats = field(default_factory=DateFormats)

    def of(self, column: str) -> Convention:
        if not self.formats.named and self.formats.general is None:
            return self.common
        return replace(self.common, date_format=self.formats.of(column), dated=column in self.formats.named)

    def check_columns(self, names: Sequence[str], where: str) -> None:
        """Raises UserError when a date format is for a column that is not among `names`."""
        for name in self.formats.named:
            if name not in names:
                raise UserError(
                    f"date_format: there is no column {name!r}{nearest(name, names)}",
                    where=where,
                    todo=f"columns: {', '.join(names)}",
                    code="column-unknown",
                )


def conventions(
    *,
    numerals: Numerals,
    date_format: str | tuple[str, ...] | None,
    true: tuple[str, ...],
    false: tuple[str, ...],
    null: tuple[str, ...],
) -> Conventions:
    """Raises UserError for a wrong date format, words for only one of true and false, and a word of two meanings."""
    if bool(true) != bool(false):
        raise UserError(
            f"words for {'true' if true else 'false'} are given without words for {'false' if true else 'true'}",
            todo="give both, such as --true yes --false no",
            code="option-wrong",
        )
    words = [*true, *false, *null] if true else []
    for word in words:
        if not word or words.count(word) > 1:
            why = f"{word!r} has two meanings" if word else "nothing at all is null, and no word for true or false"
            raise UserError(f"of the words for true, false and null, {why}", code="option-wrong")
    texts = (date_format,) if isinstance(date_format, str) else date_format or ()
    return Conventions(Convention(numerals, true=true, false=false), date_formats.parse(texts))
