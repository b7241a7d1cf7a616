"""Who logs in to a server, when its address does not say it whole: from the files that people keep for that."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from towpath.address import Address
from towpath.errors import UserError
from towpath.secrets import netrc_file, pgpass, pgservice
from towpath.secrets.secret import Secret

_POSTGRESQL = ("postgresql", "postgres")
_NETRC = ("http", "https", "ftp", "ftps", "sftp")


def complete(address: Address) -> Address:
    """The address with the user and password that its scheme's files have for it. What the address says itself stays.

    PostgreSQL: the parameters of `?service=NAME` (else PGSERVICE) from its service file, then PGUSER and PGPASSWORD,
    then the password file (`?passfile=`, PGPASSFILE, ~/.pgpass). HTTP, FTP and SFTP: netrc. Others stay as they are."""
    if address.scheme in _POSTGRESQL:
        return _postgresql(_served(address))
    if address.scheme in _NETRC and address.password is None and address.host is not None:
        found = netrc_file.login(address.host, address.user)
        return address if found is None else replace(address, user=found[0], password=Secret(found[1]))
    return address


def _served(address: Address) -> Address:
    options = dict(address.options)
    name = options.pop("service", None) or os.environ.get("PGSERVICE")
    if name is None:
        return address
    given = pgservice.definition(name)
    port, password = given.pop("port", None), given.pop("password", None)
    if port is not None and not port.isdecimal():
        raise UserError(f"service {name}: its port is no number", todo="write port=5432", code="service-wrong")
    return replace(
        address,
        host=address.host or given.pop("host", None),
        port=address.port or (int(port) if port else None),
        path=address.path or given.pop("dbname", ""),
        user=address.user or given.pop("user", None),
        password=address.password or (Secret(password) if password else None),
        options={**{name: value for name, value in given.items() if name not in _PARTS}, **options},
    )


_PARTS = ("host", "dbname", "user")


def _postgresql(address: Address) -> Address:
    user = address.user or os.environ.get("PGUSER")
    options = dict(address.options)
    file = options.pop("passfile", None)
    if address.password is not None:
        return replace(address, user=user, options=options)
    # libpq logs in as the user of the system when nobody says otherwise, to the database of that name.
    import getpass  # it asks for what a terminal needs

    who = user or getpass.getuser()
    found = os.environ.get("PGPASSWORD") or pgpass.password(
        address.host, address.port, address.path or who, who, Path(file) if file else None
    )
    return replace(address, user=user, password=Secret(found) if found else None, options=options)
