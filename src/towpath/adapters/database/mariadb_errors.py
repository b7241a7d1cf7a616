"""What MariaDB and pymysql say, as sentences: the one translation of their errors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pymysql
from pymysql.constants import CR, ER

from towpath.errors import Conflict, DataError, Refused, TowError, Transient, UserError

_DENIED = {ER.DBACCESS_DENIED_ERROR, 1142, 1143, 1227, 1290, 1370, 1836, 3948, 4166}
_BUSY = {ER.LOCK_WAIT_TIMEOUT, ER.LOCK_DEADLOCK, 1020, 1412, 1684, 1969}
_FULL = {1021, 1114, 28}
_LOST = {CR.CR_SERVER_GONE_ERROR, CR.CR_SERVER_LOST, 1053, 1079, 1152, 1158, 1159, 1160, 1161, 1184, 1317, 1927}
_CROWDED = {1040, 1203, 1226}
_DATA = {
    1048, 1062, 1136, 1216, 1217, 1263, 1264, 1265, 1292, 1300, 1364, 1365, 1366, 1367, 1406, 1411, 1416, 1426, 1451,
    1452, 1526, 1557, 1569, 1586, 1644, 1690, 1761, 1762, 3819, 4025, 4031,
}  # fmt: skip
_TOO_LONG = {1153, 1301}
_NAMES = {1059, 1166, 1300}
_READ_ONLY = 1792


@contextmanager
def translated(shown: str) -> Iterator[None]:
    """Raises pymysql's errors as ours."""
    try:
        yield
    except (pymysql.Error, OSError) as error:
        raise ours(error, shown) from error


def number(error: BaseException) -> int:
    """MariaDB's (or the client's) number of an error; 0 when it has none."""
    found = error.args[0] if error.args else 0
    return found if isinstance(found, int) else 0


def ours(error: Exception, shown: str) -> TowError:
    """An error of pymysql as one of ours, in MariaDB's words."""
    code, words = number(error), _words(error)
    if code in _LOST or isinstance(error, (pymysql.err.InterfaceError, ConnectionError)):
        return Transient(
            f"the connection to the server was lost: {words}",
            where=shown,
            todo="run it again: a step of tow.yaml finds out what was published",
        )
    if code in (CR.CR_CONN_HOST_ERROR, CR.CR_CONNECTION_ERROR, CR.CR_UNKNOWN_HOST, CR.CR_IPSOCK_ERROR) or isinstance(
        error, OSError
    ):
        return Transient(
            f"the server cannot be reached: {words}",
            where=shown,
            todo="check that it runs, and that host and port are right, then run again",
        )
    if code in _CROWDED:
        return Transient(f"the server takes no more connections: {words}", where=shown, todo="run again later")
    refusal = _refusal(code, words, shown)
    if refusal is not None:
        return refusal
    if code in _DATA:
        way = "choose --mode merge with --key" if code in (1062, 1586) else "change the table"
        return DataError(
            words, where=shown, todo=f"nothing was published; correct the rows, or {way}", code="constraint-violated"
        )
    if code == ER.NO_DB_ERROR:
        todo = "write mariadb://HOST/DATABASE#TABLE"
        return UserError("the address names no database", where=shown, todo=todo, code="address-wrong")
    if code == ER.DUP_FIELDNAME:
        todo = "give one of them another name: select ... as other"
        return UserError(f"{words} (names that differ in case are one)", where=shown, todo=todo, code="column-doubled")
    if isinstance(error, (pymysql.err.ProgrammingError, pymysql.err.NotSupportedError)) or 1050 <= code < 2000:
        return UserError(words, where=shown, todo="correct the SQL, in the words of MariaDB", code="sql-wrong")
    return Refused(words, where=shown, todo="see what MariaDB says, then run again", code="system-refused")


def _refusal(code: int, words: str, shown: str) -> TowError | None:
    if code == ER.ACCESS_DENIED_ERROR or code in (1251, 1275, 1698, 2059):
        todo = "check user and password; `${env:NAME}` or `${keyring:NAME}` keeps the password out of the address"
        return Refused(f"the server does not let us in: {words}", where=shown, todo=todo, code="permission-denied")
    if code == ER.BAD_DB_ERROR:
        todo = "check the name behind the host; make it with `create database`"
        return Refused(f"there is no such database: {words}", where=shown, todo=todo, code="table-missing")
    if code in _DENIED or code == _READ_ONLY:
        todo = "give the user this right (grant), or use an account that has it"
        return Refused(f"permission was denied: {words}", where=shown, todo=todo, code="permission-denied")
    if code in _BUSY:
        return Refused(
            f"another transaction is in the way: {words}",
            where=shown,
            todo="end it or wait for it, then run again; nothing was published",
            code="database-locked",
        )
    if code in _FULL:
        return Refused(f"there is no space left: {words}", where=shown, todo="free some space", code="disk-full")
    if code in _TOO_LONG:
        todo = "raise max_allowed_packet of the server, or leave such rows out (--where)"
        return DataError(f"a value is too long: {words}", where=shown, todo=todo, code="value-refused")
    if code in _NAMES:
        return Refused(f"the name cannot be: {words}", where=shown, todo="rename it", code="name-impossible")
    return None


def _words(error: Exception) -> str:
    words = str(error.args[1] if len(error.args) > 1 else error)
    return re.sub(r"\s+", " ", words).strip()


def made_meanwhile(error: pymysql.Error, what: str, shown: str) -> Conflict | None:
    """A conflict, when the error is that a table exists already."""
    if number(error) != ER.TABLE_EXISTS_ERROR:
        return None
    return Conflict(f"{what}; nothing was published", where=shown, todo="run it again")
