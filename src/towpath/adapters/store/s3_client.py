"""The client of one S3 account: who we are, where the server is, and what its library's errors mean."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    ResponseStreamingError,
)
from botocore.exceptions import ConnectionError as NoConnection
from botocore.parsers import ResponseParserError

from towpath.disk.oserrors import subject
from towpath.errors import Conflict, Refused, TowError, Transient, UserError
from towpath.secrets.secret import Secret

FAILURES = (BotoCoreError, ClientError)
"""Whatever the library raises. Its parts are imported here alone, behind boto3, whose absence is then told."""
Cut = ResponseStreamingError
CUTS = (NoConnection, HTTPClientError, IncompleteReadError, ResponseParserError, Cut)
"""Answers that did not come, or not whole."""

T = TypeVar("T")

_REGION = "us-east-1"
"""Where nothing names a region: servers of other makers ask for none."""
_ATTEMPTS = 3
_BODIES = 4
"""How often an answer is asked for whose body does not come whole, which the library does not do."""
_CONNECTIONS = 16
_CONNECT_SECS = 10.0

_MISSING = {"NoSuchBucket", "NoSuchKey", "404"}
_UNMET = {"PreconditionFailed", "412", "ConditionalRequestConflict"}
_BUSY = {"SlowDown", "ServiceUnavailable", "InternalError", "RequestTimeout", "500", "502", "503", "504", "429"}
_SAID = {
    "InvalidAccessKeyId": ("the server does not know this access key", "check access_key"),
    "SignatureDoesNotMatch": ("the secret key is not the one of this access key", "check secret_key"),
    "ExpiredToken": ("the session token has expired", "log in again"),
    "InvalidToken": ("the session token is not valid", "log in again"),
    "RequestTimeTooSkewed": ("this machine's clock differs too much from the server's", "set the clock"),
    "AccessDenied": ("access was denied", "use an account that may, or change the bucket's policy"),
    "AllAccessDisabled": ("access was denied", "use an account that may, or change the bucket's policy"),
    "403": ("access was denied", "check access_key and secret_key, and the bucket's policy"),
}
_REGIONS = {"PermanentRedirect", "AuthorizationHeaderMalformed", "301", "400", "IllegalLocationConstraintException"}


@dataclass(frozen=True, slots=True)
class Login:
    """Who asks which server. What is None is looked for where boto3 looks: environment, profiles, login caches; the
    metadata service of a cloud's machine only with `instance_role`."""

    endpoint: str | None = None
    region: str | None = None
    access_key: str | None = None
    secret_key: Secret | None = None
    session_token: Secret | None = None
    profile: str | None = None
    addressing_style: str = "auto"
    instance_role: bool = False
    timeout_secs: float = 60.0

    def client(self) -> Any:
        """The client, made once for each process: a forked one must not share its parent's connections."""
        environment = frozenset(item for item in os.environ.items() if item[0].startswith("AWS_"))
        return _client(self, os.getpid(), hash(environment))


@lru_cache(maxsize=16)
def _client(login: Login, process: int, environment: int) -> Any:
    core = botocore.session.Session(profile=login.profile)
    try:
        if not login.instance_role:
            for provider in ("container-role", "iam-role"):
                core.get_component("credential_provider").remove(provider)
        session = boto3.Session(
            aws_access_key_id=login.access_key,
            aws_secret_access_key=None if login.secret_key is None else login.secret_key.reveal(),
            aws_session_token=None if login.session_token is None else login.session_token.reveal(),
            botocore_session=core,
        )
        return session.client(
            "s3",
            endpoint_url=login.endpoint,
            region_name=login.region or session.region_name or _REGION,
            config=Config(
                s3={"addressing_style": login.addressing_style},
                retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
                connect_timeout=min(_CONNECT_SECS, login.timeout_secs),
                read_timeout=login.timeout_secs,
                max_pool_connections=_CONNECTIONS,
                tcp_keepalive=True,
            ),
        )
    except ProfileNotFound as error:
        raise UserError(str(error), todo="see ~/.aws/config, or leave profile out", code="option-wrong") from error
    except PartialCredentialsError as error:
        raise UserError(str(error), todo="give access_key and secret_key", code="option-missing") from error
    except ValueError as error:  # an endpoint that is no URL
        raise UserError(f"{error}", todo="write endpoint=https://HOST:PORT", code="option-wrong") from error


def code_of(error: Exception) -> str:
    """The server's own word for what went wrong; empty where it was not the server."""
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""


def is_missing(error: Exception) -> bool:
    return code_of(error) in _MISSING


def refused(error: Exception, path: str, doing: str) -> TowError:
    """The library's error as one of ours: `doing` is a verb (read, write, list)."""
    where, code = shown(path), code_of(error)
    if code in _UNMET:
        return Conflict("it was changed by somebody else meanwhile", where=where, todo="run again")
    if isinstance(error, (NoCredentialsError, PartialCredentialsError)):
        return UserError(
            f"no keys were found to {doing} it with",
            where=where,
            todo="give access_key and secret_key, a profile, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
            code="option-missing",
        )
    if code == "NoSuchBucket":
        return no_bucket(path)
    if code in _MISSING:
        return Refused(
            f"cannot {doing} it: there is no such object", where=where, todo="check the path", code="path-missing"
        )
    if code in _SAID:
        why, todo = _SAID[code]
        return Refused(f"cannot {doing} it: {why}", where=where, todo=todo, code="permission-denied")
    if code in _REGIONS:
        return Refused(
            f"cannot {doing} it: the server expects another region or address ({error})",
            where=where,
            todo="give the bucket's region, or addressing_style=path",
            code="system-refused",
        )
    if code in _BUSY or isinstance(error, CUTS):
        return Transient(f"cannot {doing} it: {error}", where=where, todo="check the endpoint, then run again")
    return Refused(f"cannot {doing} it: {error}", where=where, todo="see what the server says", code="system-refused")


def no_bucket(path: str) -> Refused:
    bucket = path.partition("/")[0]
    todo = "check the name and the endpoint"
    return Refused(f"there is no bucket {bucket!r}", where=shown(bucket), todo=todo, code="path-missing")


def shown(path: str) -> str:
    """A path of the store as people write it; instead of a note of ours, what it is about."""
    return f"s3://{subject(path)}"


def whole(path: str, ask: Callable[[], T]) -> T:
    """Asks until the body of the answer has come whole. What fails before it, `ask` raises as an error of ours."""
    for attempt in range(_BODIES):
        try:
            return ask()
        except CUTS as error:
            if attempt == _BODIES - 1:
                raise refused(error, path, "read") from error
    raise AssertionError


@contextmanager
def translated(path: str, doing: str) -> Iterator[None]:
    """Raises whatever the library says within as one of our errors."""
    try:
        yield
    except FAILURES as error:
        raise refused(error, path, doing) from error
