"""What librdkafka says, as our errors."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from confluent_kafka import KafkaException

from towpath.errors import Conflict, DataError, Refused, SourceChanged, TowError, Transient, UserError

QUIET = logging.getLogger("towpath.kafka")
"""librdkafka's own log lines, which would go to standard error: what matters of them comes as an error too."""
QUIET.addHandler(logging.NullHandler())
QUIET.propagate = False

_STEP = 1.0
LOST = ("_TRANSPORT", "_TIMED_OUT")
"""An answer did not come."""
_DOWN = ("_TRANSPORT", "_ALL_BROKERS_DOWN", "_RESOLVE")
_LOGIN = ("_AUTHENTICATION", "SASL_AUTHENTICATION_FAILED", "UNSUPPORTED_SASL_MECHANISM", "_SSL")
_DENIED = (
    "TOPIC_AUTHORIZATION_FAILED",
    "CLUSTER_AUTHORIZATION_FAILED",
    "GROUP_AUTHORIZATION_FAILED",
    "TRANSACTIONAL_ID_AUTHORIZATION_FAILED",
)
_FENCED = ("_FENCED", "PRODUCER_FENCED", "INVALID_PRODUCER_EPOCH")
_DELETED = ("_AUTO_OFFSET_RESET", "OFFSET_OUT_OF_RANGE")
_TOO_LONG = ("MSG_SIZE_TOO_LARGE", "INVALID_RECORD", "RECORD_LIST_TOO_LARGE")
_UNKNOWN = ("UNKNOWN_TOPIC_OR_PART", "_UNKNOWN_TOPIC", "_UNKNOWN_PARTITION")
_MOVING = ("NOT_LEADER_FOR_PARTITION", "LEADER_NOT_AVAILABLE", "PREFERRED_LEADER_NOT_AVAILABLE")
_SETTING = ("_INVALID_ARG", "INVALID_CONFIG", "INVALID_PARTITIONS", "INVALID_REPLICATION_FACTOR", "POLICY_VIOLATION",
            "TOPIC_EXCEPTION", "INVALID_TRANSACTION_TIMEOUT")  # fmt: skip


class Faults:
    """What a client's threads met last: its calls only say that time ran out."""

    def __init__(self) -> None:
        self.last: Any = None

    def note(self, error: Any) -> None:
        if self.last is None or error.name() != "_ALL_BROKERS_DOWN":
            self.last = error

    def patiently(self, timeout: float, poll: Callable[[float], Any], ask: Callable[..., Any]) -> Any:
        """Asks until there is an answer; no longer when nobody listens there, or the login is refused."""
        self.last = None
        until = time.monotonic() + timeout
        while True:
            try:
                found = ask(timeout=min(_STEP, timeout))
            except KafkaException:
                poll(0)
                if time.monotonic() > until or self._hopeless():
                    raise
                continue
            if found is not None:
                return found
            if time.monotonic() > until:
                raise Transient("the broker does not make it in time", todo="run again", code="transient")
            time.sleep(0.02)

    def retried(self, timeout: float, act: Callable[[], Any], also: Sequence[str] = ()) -> Any:
        """Does it again for as long as that may help; `also` after these errors, which the library leaves to us."""
        until = time.monotonic() + timeout
        while True:
            try:
                return act()
            except KafkaException as error:
                if time.monotonic() > until or not (error.args[0].retriable() or code_of(error) in (*_MOVING, *also)):
                    raise
                time.sleep(0.05)

    def _hopeless(self) -> bool:
        if self.last is None:
            return False
        name, words = self.last.name(), self.last.str()
        return name in (*_LOGIN, "_RESOLVE") or (name == "_TRANSPORT" and "refused" in words)


def code_of(error: KafkaException) -> str:
    """The name of what librdkafka says, such as `UNKNOWN_TOPIC_OR_PART`."""
    return str(error.args[0].name()) if error.args else ""


@contextmanager
def translated(where: str, faults: Faults) -> Iterator[None]:
    """Raises any error of the library within as ours. One that was raised while the library called Python the
    interpreter tells as an error of the library's (`SystemError`); an interrupt is raised as itself."""
    try:
        yield
    except KafkaException as error:
        raise ours(error.args[0], where, faults) from error
    except SystemError as error:
        if isinstance(error.__cause__, KeyboardInterrupt):
            raise error.__cause__ from None
        if isinstance(error.__cause__, KafkaException):
            raise ours(error.__cause__.args[0], where, faults) from error
        raise


def ours(error: Any, where: str, faults: Faults) -> TowError:
    """An error of librdkafka as ours."""
    name, words = error.name(), error.str()
    if name in (*_DOWN, "_TIMED_OUT") and faults.last is not None:  # why the time ran out
        name, words = faults.last.name(), faults.last.str()
    if name in _FENCED:
        return Conflict("another run sends the same load now, and this one gave way", where=where, todo="run again")
    if name in _LOGIN:
        todo = "check user and password, and the options tls and sasl"
        return Refused(f"the broker does not let us in: {words}", where=where, todo=todo, code="permission-denied")
    if name in _DENIED:
        todo = "give the user this right (kafka-acls)"
        return Refused(f"permission was denied: {words}", where=where, todo=todo, code="permission-denied")
    if name in _UNKNOWN:
        return Refused("there is no such topic", where=where, todo="check the name", code="table-missing")
    if name in _DELETED:
        what = "messages that were to be read were deleted meanwhile (retention)"
        return SourceChanged(what, where=where, todo="run again")
    if name in _TOO_LONG:
        todo = "raise max.message.bytes of the topic, or filter the row out"
        return DataError(f"the broker does not take a message: {words}", where=where, todo=todo, code="value-refused")
    if name in _SETTING:
        return UserError(f"the broker refuses: {words}", where=where, todo="correct the option", code="option-wrong")
    if name == "_RESOLVE":
        return Refused(f"the broker is not found: {words}", where=where, todo="check the host", code="address-wrong")
    return Transient(
        f"the broker cannot be reached or does not answer: {words}",
        where=where,
        todo="check that it runs and that host and port are right, then run again",
    )
