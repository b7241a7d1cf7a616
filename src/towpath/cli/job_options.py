"""The options that say what one move is: `tow copy` and `tow plan` have the same."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from towpath.job import InputSpec, JobSpec

MODES = ("create", "append", "replace", "merge")
SCHEMA = ("evolve", "freeze")
TEXT_OPTIONS = ("null", "decimal", "thousands", "date_format", "true", "false")
"""Options of a text format that have a flag of their own."""
GUARANTEES = ("atomic", "recoverable")


def add(parser: argparse.ArgumentParser) -> None:
    """Adds them all. None of them has a default, so that `given` can tell which were written."""
    option = parser.add_argument_group("what happens to the rows that are there").add_argument
    option("--mode", choices=MODES, help="the default is to create, and to stop when the destination exists")
    option("--key", metavar="A,B", help="the columns that identify a row: what --mode merge goes by")
    option(
        "--schema", choices=SCHEMA, help="a table's missing columns: add them (evolve, the default), or stop (freeze)"
    )
    option("--dedupe", metavar="HOW", help="keep one row of each key: 'latest COL', 'earliest COL', first or last")
    option("--require", choices=GUARANTEES, help="refuse a destination that guarantees less")

    option = parser.add_argument_group("what happens to the rows on their way").add_argument
    option("--sample", metavar="SHARE", help="keep this share of the rows read, such as 1%%; the same rows every time")
    option("--where", metavar="EXPR", help="keep the rows for which this SQL condition is true")
    option("--sql", metavar="SQL", help="a query; the source is its table `input`")
    option("--python", metavar="MODULE:FUNCTION", help="a function from frames to frames")
    option("--whole", action="store_true", default=None, help="give that function all rows at once, not in batches")
    option("--select", metavar="A,B", help="keep these columns, in this order")
    option("--rename", metavar="OLD=NEW,...", action="append", help="rename columns")
    option("--cast", metavar="COL=TYPE,...", action="append", help="change types; a value that would change is bad")
    option("--rule", metavar="RULE", action="append", help="what rows must be, such as 'not_null: a,b' (repeatable)")
    option("--limit", metavar="N", type=int, help="stop after so many rows of the result")
    option("--load-columns", metavar="A,B", help="add any of loaded_at, run_id, source_file (as _loaded_at ...)")
    option("--bad-rows", metavar="DIR", help="keep bad rows there, for tow replay, and go on")
    option("--max-bad", metavar="N", help="stop when more rows than N, or N%% of those read, are bad; publish nothing")
    option("--allow-lossy", metavar="A,B", help="columns that may lose what the destination cannot hold")
    option("--memory", metavar="SIZE", help="the most memory to use (default: 1GiB)")

    option = parser.add_argument_group("how the source is read").add_argument
    reading(option)
    option("--query", metavar="SQL", help="read what this query of the source database gives")
    option("--table", metavar="T", help="read this table of the source database")
    option("--cursor", metavar="COL", help="the column that --since and --until are about")
    option("--since", metavar="V", help="read rows whose cursor is V or greater")
    option("--until", metavar="V", help="read rows whose cursor is less than V")

    option = parser.add_argument_group("how the destination is written").add_argument
    option("--to-format", metavar="F", help="the format, when the name does not say it")
    option("--to-opt", metavar="K=V", action="append", help="an option of its format or database (repeatable)")
    option("--to-table", metavar="T", help="the table of the destination database")
    option("--partition-by", metavar="A,B", help="make hive folders by these columns")
    option("--rows-per-file", metavar="N", type=int, help="begin another file of the folder after so many rows")
    option("--file-size", metavar="SIZE", help="begin another file of the folder after about so many bytes")
    option("--codec", metavar="C", help="compress by gz, bz2, xz, zst or zip; Parquet and Arrow by their own codecs")
    option("--level", metavar="N", type=int, help="how hard the codec tries")
    option("--before-sql", metavar="SQL", action="append", help="run this first in the transaction that publishes")
    option("--after-sql", metavar="SQL", action="append", help="run this last in the transaction that publishes")


def reading(option: Any, *, zoned: bool = True) -> None:
    """The options of everything that reads one source; --timezone only where it is applied (`zoned`)."""
    option("--types", metavar="COL=TYPE,...", action="append", help="the types of columns, instead of finding them")
    option("--from-format", metavar="F", help="the format, when the name does not say it: csv, csv.gz ...")
    option("--from-opt", metavar="K=V", action="append", help="an option of its format or database (repeatable)")
    option("--all-text", action="store_true", default=None, help="read every column of a text file as text")
    option("--null", metavar="WORD", action="append", help="a word that means null, such as NA (repeatable)")
    option("--decimal", metavar="SIGN", help="the decimal sign of numbers: . or ,")
    option("--thousands", metavar="SIGN", help="the sign that may part digits in threes: . , ' _ or a blank")
    option(
        "--date-format",
        metavar="[COL=]F",
        action="append",
        help="how dates are written (strptime), such as %%d/%%m/%%Y, in all columns or in COL (repeatable); "
        "one of digits alone, such as %%Y%%m%%d, needs the COL",
    )
    option("--true", metavar="WORD", action="append", help="a word that means true; give --false too (repeatable)")
    option("--false", metavar="WORD", action="append", help="a word that means false (repeatable)")
    if zoned:
        option("--timezone", metavar="ZONE", help="the zone of timestamps that name none, such as Europe/Berlin")


def given(args: argparse.Namespace) -> list[str]:
    """The options of `add` that were written."""
    parser = argparse.ArgumentParser()
    add(parser)
    return [name for name in vars(parser.parse_args([])) if getattr(args, name) is not None]


def input_spec(args: argparse.Namespace, address: str) -> InputSpec:
    """What is read; options that a command does not have count as not given."""
    from towpath.job import InputSpec
    from towpath.pipeline import shorthand

    given = {name: getattr(args, name) for name in TEXT_OPTIONS if getattr(args, name, None) is not None}
    return InputSpec(
        address,
        args.from_format,
        {**given, **shorthand.options(args.from_opt or (), "--from-opt")},
        getattr(args, "table", None),
        getattr(args, "query", None),
        getattr(args, "cursor", None),
        since=getattr(args, "since", None),
        until=getattr(args, "until", None),
        timezone=getattr(args, "timezone", None),
    )


def types(args: argparse.Namespace) -> dict[str, str]:
    from towpath.pipeline import shorthand

    return shorthand.pairs(args.types or (), "--types")


def spec(args: argparse.Namespace, source: str, destination: str) -> JobSpec:
    """The job that the options describe."""
    from towpath.job import DEFAULT_MEMORY, JobSpec, OutputSpec
    from towpath.nouns import Guarantee, Mode
    from towpath.pipeline import here, shorthand

    def names(text: str | None) -> tuple[str, ...]:
        return tuple(shorthand.names(text)) if text is not None else ()

    return JobSpec(
        inputs={"input": input_spec(args, source)},
        to=OutputSpec(
            destination,
            args.to_format,
            shorthand.options(args.to_opt or (), "--to-opt"),
            args.to_table,
            names(args.partition_by),
            args.rows_per_file,
            shorthand.size(args.file_size, "--file-size") if args.file_size else None,
            args.codec,
            args.level,
            args.schema or "evolve",
            tuple(args.before_sql or ()),
            tuple(args.after_sql or ()),
        ),
        mode=Mode(args.mode or "create"),
        key=names(args.key),
        types=types(args),
        all_text=bool(args.all_text),
        sample=shorthand.share(args.sample, "--sample") if args.sample else None,
        where=args.where,
        sql=args.sql,
        python=args.python,
        whole=bool(args.whole),
        select=names(args.select),
        rename=shorthand.pairs(args.rename or (), "--rename"),
        cast=shorthand.pairs(args.cast or (), "--cast"),
        rules=_rules(args.rule),
        dedupe=args.dedupe,
        limit=args.limit,
        load_columns=names(args.load_columns),
        bad_rows=args.bad_rows,
        max_bad=args.max_bad,
        allow_lossy=names(args.allow_lossy),
        require=Guarantee(args.require) if args.require else None,
        connections=here.connections(source, destination),
        memory=shorthand.size(args.memory, "--memory") if args.memory else DEFAULT_MEMORY,
    )


def _rules(texts: list[str] | None) -> Any:
    if not texts:
        return ()
    from towpath.pipeline import load

    return load.rules(texts)
