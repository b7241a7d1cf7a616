"""What tow.yaml may say: the one definition of its keys. A key that is not here is an error. The descriptions are the
reference page, and what editors show (`tow schema`)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from towpath import address
from towpath.badrows import MostBad
from towpath.errors import UserError
from towpath.job import DEFAULT_MEMORY
from towpath.pipeline import shorthand
from towpath.values import textform

_SCALARS = ["string", "number", "boolean"]


def _listed(value: Any) -> Any:
    return shorthand.names(value) if isinstance(value, str) else value


def _sized(value: Any) -> Any:
    return shorthand.size(value) if isinstance(value, str) else value


def _two(limits: list[Any]) -> list[Any]:
    if len(limits) != 2:
        raise UserError("takes two limits, [low, high]; null leaves one open", code="yaml-wrong")
    return limits


def _address(text: str) -> str:
    if "${" not in text:
        address.parse(text)
    return text


def _type(text: str) -> str:
    textform.parse_type(text)
    return text


def _scalar(value: Any) -> Any:
    if not isinstance(value, (str, int, float)):
        raise UserError("an option of a connection is text, a number, or true or false", code="yaml-wrong")
    return value


def _most_bad(value: Any) -> Any:
    return str(value) if MostBad.parse(value) else value


def _span(value: Any) -> Any:
    """A look-back of a numeric cursor is a number, written as one."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _explained(check: Any) -> Any:
    """A validator whose UserError becomes one of the document's mistakes."""

    def checked(value: Any) -> Any:
        try:
            return check(value)
        except UserError as error:
            raise ValueError(f"{error.what} ({error.todo})" if error.todo else error.what) from error

    return checked


def _input(value: Any) -> Any:
    return {"address": value} if isinstance(value, str) else value


Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$")]
Columns = Annotated[list[str], BeforeValidator(_explained(_listed), json_schema_input_type=str | list[str])]
AddressText = Annotated[str, AfterValidator(_explained(_address))]
TypeName = Annotated[str, AfterValidator(_explained(_type))]
Limits = Annotated[list[Any], AfterValidator(_explained(_two)), Field(json_schema_extra={"minItems": 2, "maxItems": 2})]
Statements = Annotated[
    list[str],
    BeforeValidator(lambda value: [value] if isinstance(value, str) else value, json_schema_input_type=str | list[str]),
]
Span = Annotated[str, BeforeValidator(_span, json_schema_input_type=str | int)]
Size = Annotated[int, BeforeValidator(_explained(_sized), json_schema_input_type=int | str)]
MostBadText = Annotated[str, BeforeValidator(_explained(_most_bad), json_schema_input_type=int | str)]
OptionValue = Annotated[Any, AfterValidator(_explained(_scalar)), Field(json_schema_extra={"type": _SCALARS})]
LoadColumn = Literal["loaded_at", "run_id", "source_file"]


class _Model(BaseModel):
    """A mapping whose keys are all known, and whose values are of the kinds that they say."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Input(_Model):
    """One thing to read: an address as text, or a mapping of these keys."""

    address: AddressText = Field(
        description="A file, a glob, a folder ending in `/`, a table, `-` (standard input), or `CONNECTION#TABLE`. "
        "Relative paths start from the folder of the tow.yaml."
    )
    format: str | None = Field(
        None, description="The format of files whose name does not say it, such as `csv`, or `csv.gz`."
    )
    options: dict[str, Any] = Field(
        {}, description="Options of the format or database by name, such as `{null: NA}`; `tow adapters` lists both."
    )
    table: str | None = Field(None, description="The table of a database whose address names none.")
    query: str | None = Field(None, description="A query in the SQL of the source database, instead of a table.")
    cursor: str | None = Field(
        None,
        description="The column by which a table or query is read onwards from run to run: integers, dates, "
        "timestamps or text, and never null.",
    )
    monotonic: bool = Field(
        False,
        description="Whether later rows always have a greater cursor; otherwise rows equal to the last value are read "
        "again, which asks for mode merge.",
    )
    lookback: Span | None = Field(
        None,
        description="How far behind the last cursor value each run begins, for rows that come late: a time such as "
        "`90s`, `15m`, `1h` or `2d`, or a number for a numeric cursor; asks for mode merge.",
    )
    timezone: str | None = Field(
        None, description="The zone that timestamps without one are meant in, by its IANA name: `Europe/Berlin`."
    )


class Output(_Model):
    """One thing to write: an address as text, or a mapping of these keys."""

    address: AddressText = Field(
        description="A file, a folder ending in `/`, a table, or `CONNECTION#TABLE`. "
        "Relative paths start from the folder of the tow.yaml."
    )
    format: str | None = Field(None, description="The format of files whose name does not say it; of folders: parquet.")
    options: dict[str, Any] = Field(
        {}, description="Options of the format or database by name; `tow adapters` lists both."
    )
    table: str | None = Field(None, description="The table of a database whose address names none.")
    partition_by: Columns = Field(
        [], description="Columns whose values become hive folders (`month=1/`): a list, or names parted by commas."
    )
    rows_per_file: Annotated[int, Field(ge=1)] | None = Field(
        None, description="The most rows of one file of a folder; then another file is begun."
    )
    file_size: Size | None = Field(
        None, description="About how large one file of a folder may be on disk: bytes, or a size such as `256MB`."
    )
    codec: str | None = Field(
        None,
        description="How files are compressed: gz, bz2, xz, zst or zip; for Parquet and Arrow one of their own codecs.",
    )
    level: int | None = Field(None, description="How hard the codec tries, in the codec's own numbers.")
    schema_: Literal["evolve", "freeze"] = Field(
        "evolve",
        alias="schema",
        description="What happens to columns that a table lacks: `evolve` adds them, and widens types where that is "
        "exact; `freeze` stops.",
    )
    before: Statements = Field(
        [], description="SQL that runs first in the transaction that publishes: one statement, or a list of them."
    )
    after: Statements = Field(
        [], description="SQL that runs last in the transaction that publishes: one statement, or a list of them."
    )


class Rule(_Model):
    """What rows must be. Each column of range, one_of and pattern is a rule of its own. Null breaks only not_null."""

    not_null: Columns = Field([], description="Columns none of which may be null: a list, or names parted by commas.")
    unique: Columns = Field([], description="Columns whose values together no two rows share.")
    range: dict[str, Limits] = Field(
        {},
        description="By column the lowest and highest value, `[low, high]`; both belong to it, null leaves one open.",
    )
    one_of: dict[str, list[Any]] = Field({}, description="By column the list of the values that it may have.")
    pattern: dict[str, str] = Field(
        {}, description="By column a regular expression (RE2) that must be found in the text; `^...$` for all of it."
    )


def _inputs(value: Any) -> Any:
    """One input (text, or a mapping with any of an input's keys) is called `input`; others have their names."""
    if isinstance(value, dict) and not value.keys() & Input.model_fields.keys():
        return {name: _input(one) for name, one in value.items()}
    return {"input": _input(value)}


_NamedInputs = Annotated[
    dict[str, str | Input], Field(json_schema_extra={"propertyNames": {"not": {"enum": list(Input.model_fields)}}})
]


class Step(_Model):
    """One move. Its rows meet: where or sql, python, select, rename, cast, rules, dedupe, load_columns."""

    from_: Annotated[
        dict[str, Input],
        BeforeValidator(_inputs, json_schema_input_type=str | Input | _NamedInputs),
    ] = Field(
        alias="from",
        min_length=1,
        description="What is read: one address or input (`input` in sql), or several by the names that sql uses.",
    )
    to: Annotated[Output, BeforeValidator(_input, json_schema_input_type=str | Output)] = Field(
        description="What is written: an address, or a mapping of an output's keys."
    )
    mode: Literal["create", "append", "replace", "merge"] = Field(
        "create",
        description="What happens to rows that are there: `create` stops when the destination exists, `append` adds to "
        "them, `replace` puts the new ones in their place, `merge` updates by `key` and inserts the others.",
    )
    key: Columns = Field(
        [], description="The columns that identify a row, for merge and dedupe: a list, or names parted by commas."
    )
    types: dict[str, TypeName] = Field(
        {}, description="The types of columns as they are read, such as `{zip: text, amount: 'decimal(12,2)'}`."
    )
    all_text: bool = Field(False, description="Whether every column of a text source is read as text.")
    where: str | None = Field(
        None, description="Keeps the rows for which this SQL condition is true; not together with sql."
    )
    sql: str | None = Field(
        None, description="A query (DuckDB's SQL) over the inputs by name; it reads them whole on every run."
    )
    python: str | None = Field(
        None,
        description="`module:function`, found from the folder of the tow.yaml: a function from frames to frames "
        "(pyarrow; narwhals, polars or pandas by the type hint of its parameter), called with each batch.",
    )
    whole: bool = Field(False, description="Whether that function gets all rows at once instead of batches.")
    select: Columns = Field([], description="The columns to keep, in this order: a list, or names parted by commas.")
    rename: dict[str, str] = Field({}, description="New names of columns, `{old: new}`.")
    cast: dict[str, TypeName] = Field(
        {}, description="New types of columns by their new names; a value that would change is a bad row."
    )
    rules: list[Rule] = Field([], description="What rows must be; one that breaks a rule is a bad row.")
    dedupe: str | None = Field(
        None,
        description="Keeps one row of each key: `latest COLUMN` or `earliest COLUMN` by its values, `first` or `last` "
        "by the order of reading.",
    )
    load_columns: Annotated[
        list[LoadColumn], BeforeValidator(_explained(_listed), json_schema_input_type=str | list[LoadColumn])
    ] = Field(
        [], description="Columns about the load to add: any of loaded_at, run_id, source_file, written with `_` before."
    )
    cursor: str | None = Field(None, description="The cursor of the step's one input; see the input's key.")
    bad_rows: str | None = Field(
        None,
        description="The folder that keeps bad rows, for `tow replay`; without it the first bad row stops the step.",
    )
    max_bad: MostBadText | None = Field(
        None,
        description="How many rows may go there: a number, or a share of the rows read such as `0.5%`. With more the "
        "step stops and publishes nothing; they are kept in `LOAD.stopped` to be looked at.",
    )
    allow_lossy: Columns = Field(
        [], description="Columns that may lose what the destination cannot hold; nothing else may lose anything."
    )
    require: Literal["atomic", "recoverable", "at-least-once"] | None = Field(
        None, description="The least guarantee; a destination that gives less stops the step before it begins."
    )
    memory: Size = Field(
        DEFAULT_MEMORY,
        description="The most memory of the step: bytes, or a size such as `512MiB`. Parallel steps share it.",
    )
    depends_on: Columns = Field(
        [],
        description="Steps that must end before this one begins, besides those that write what it reads, which are "
        "found by themselves: a list, or names parted by commas.",
    )
    on_failure: Literal["continue", "stop", "ignore"] | None = Field(
        None,
        description="What follows when the step stops: `continue` goes on with the steps that do not need it, `stop` "
        "begins no further step, `ignore` runs even those that need it, and does not count as a failure of the run. "
        "Default: the pipeline's.",
    )


class Connection(_Model):
    """An address with a name: text, or a mapping of these keys. `NAME#TABLE` uses it, or `NAME#FILE` for a folder."""

    address: AddressText | None = Field(
        None, description="The address without a table, such as `duckdb:///shop.db`; instead of that of `like`."
    )
    like: Name | None = Field(None, description="Another connection, whose address and options this one takes over.")
    options: dict[str, OptionValue] = Field(
        {}, description="Options of the database by name, over those of `like`; they become the address's `?k=v`."
    )


ConnectionText = Annotated[Connection, BeforeValidator(_input, json_schema_input_type=str | Connection)]


class Profile(_Model):
    """What is different under `--env NAME`."""

    vars: dict[Name, Any] = Field({}, description="Values of variables of the file, instead of their defaults.")
    connections: dict[Name, ConnectionText] = Field(
        {}, description="Connections of the file, each instead of the whole one of its name."
    )


class Pipeline(_Model):
    """A whole tow.yaml. `${var:NAME}` in any text is replaced by a variable, `$${` writes `${`."""

    pipeline: Name = Field(description="The pipeline's name; state is kept in the destination as `pipeline/step`.")
    vars: dict[Name, Any] = Field(
        {},
        description="Variables with their defaults, used as `${var:NAME}`; null: must be given, by `--var NAME=VALUE` "
        "or a profile. A text that is nothing but a variable takes its type.",
    )
    connections: dict[Name, ConnectionText] = Field(
        {},
        description="Addresses by name, for `NAME#TABLE`; also those of the user's own connections.yaml can be used.",
    )
    profiles: dict[Name, Profile] = Field(
        {}, description="Other variables and connections by the name that `--env` (or TOW_ENV) chooses."
    )
    parallel: Annotated[int, Field(ge=1)] = Field(
        1,
        description="How many steps may run at the same time, each with its share of its memory; those that need each "
        "other or touch the same database file or destination never do.",
    )
    on_failure: Literal["continue", "stop"] = Field(
        "continue",
        description="What follows when a step stops: `continue` goes on with the steps that do not need it, `stop` "
        "begins no further step.",
    )
    steps: dict[Name, Step] = Field(min_length=1, description="The moves by name, in any order.")
