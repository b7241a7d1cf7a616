"""What tow.yaml may say: the one definition of its keys. A key that is not here is an error."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from towpath import address
from towpath.errors import UserError
from towpath.job import DEFAULT_MEMORY
from towpath.pipeline import shorthand
from towpath.values import textform


def _listed(value: Any) -> Any:
    return shorthand.names(value) if isinstance(value, str) else value


def _sized(value: Any) -> Any:
    return shorthand.size(value) if isinstance(value, str) else value


def _two(limits: list[Any]) -> list[Any]:
    if len(limits) != 2:
        raise UserError("takes two limits, [low, high]; null leaves one open")
    return limits


def _address(text: str) -> str:
    if "${" not in text:
        address.parse(text)
    return text


def _type(text: str) -> str:
    textform.parse_type(text)
    return text


def _explained(check: Any) -> Any:
    """A validator whose UserError becomes one of the document's mistakes."""

    def checked(value: Any) -> Any:
        try:
            return check(value)
        except UserError as error:
            raise ValueError(f"{error.what} ({error.todo})" if error.todo else error.what) from error

    return checked


Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$")]
Columns = Annotated[list[str], BeforeValidator(_explained(_listed))]
AddressText = Annotated[str, AfterValidator(_explained(_address))]
TypeName = Annotated[str, AfterValidator(_explained(_type))]
Limits = Annotated[list[Any], AfterValidator(_explained(_two))]
Statements = Annotated[list[str], BeforeValidator(lambda value: [value] if isinstance(value, str) else value)]
Size = Annotated[int, BeforeValidator(_explained(_sized))]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Input(_Model):
    """One thing to read."""

    address: AddressText
    format: str | None = None
    options: dict[str, Any] = {}
    table: str | None = None
    query: str | None = None
    cursor: str | None = None
    monotonic: bool = False
    lookback: str | None = None
    timezone: str | None = None


class Output(_Model):
    """One thing to write."""

    address: AddressText
    format: str | None = None
    options: dict[str, Any] = {}
    table: str | None = None
    partition_by: Columns = []
    rows_per_file: Annotated[int, Field(ge=1)] | None = None
    file_size: Size | None = None
    codec: str | None = None
    level: int | None = None
    schema_: Annotated[Literal["evolve", "freeze"], Field(alias="schema")] = "evolve"
    before: Statements = []
    after: Statements = []


class Rule(_Model):
    """What rows must be. Each column of range, one_of and pattern is a rule of its own."""

    not_null: Columns = []
    unique: Columns = []
    range: dict[str, Limits] = {}
    one_of: dict[str, list[Any]] = {}
    pattern: dict[str, str] = {}


def _input(value: Any) -> Any:
    return {"address": value} if isinstance(value, str) else value


def _inputs(value: Any) -> Any:
    """One input (text, or a mapping with any of an input's keys) is called `input`; others have their names."""
    if isinstance(value, dict) and not value.keys() & Input.model_fields.keys():
        return {name: _input(one) for name, one in value.items()}
    return {"input": _input(value)}


class Step(_Model):
    """One move. Its rows meet: where or sql, python, select, rename, cast, rules."""

    from_: Annotated[dict[str, Input], BeforeValidator(_inputs), Field(alias="from", min_length=1)]
    to: Annotated[Output, BeforeValidator(_input)]
    mode: Literal["create", "append", "replace", "merge"] = "create"
    key: Columns = []
    types: dict[str, TypeName] = {}
    all_text: bool = False
    where: str | None = None
    sql: str | None = None
    python: str | None = None
    whole: bool = False
    select: Columns = []
    rename: dict[str, str] = {}
    cast: dict[str, TypeName] = {}
    rules: list[Rule] = []
    dedupe: str | None = None
    load_columns: Annotated[
        list[Literal["loaded_at", "run_id", "source_file"]], BeforeValidator(_explained(_listed))
    ] = []
    cursor: str | None = None
    bad_rows: str | None = None
    allow_lossy: Columns = []
    require: Literal["atomic", "recoverable", "at-least-once"] | None = None
    memory: Size = DEFAULT_MEMORY
    depends_on: Columns = []


class Pipeline(_Model):
    """A whole tow.yaml."""

    pipeline: Name
    connections: dict[Name, AddressText] = {}
    steps: Annotated[dict[Name, Step], Field(min_length=1)]
