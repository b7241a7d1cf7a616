from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from towpath.address import server
from towpath.errors import UserError
from towpath.url import plain_password, plain_secrets, shown, split

PLAIN = st.text("abcXYZ019_.-~ é%@:/?#", min_size=1, max_size=12)


@given(PLAIN, PLAIN, PLAIN, PLAIN, st.integers(0, 65_535))
def test_parts_come_back_as_they_were_quoted_and_no_password_is_shown(
    user: str, password: str, path: str, table: str, port: int
) -> None:
    parts = [quote(one, safe="") for one in (user, password, path, table)]
    text = f"postgresql://{parts[0]}:{parts[1]}@host:{port}/{parts[2]}?k={parts[1]}#{parts[3]}"
    at = server(text)
    assert at.password is not None
    assert (at.user, at.password.reveal(), at.path, at.table, at.port) == (user, password, path, table, port)
    assert at.options == {"k": password}
    assert str(at) == f"postgresql://{parts[0]}:***@host:{port}/{parts[2]}?k={parts[1]}#{parts[3]}"
    assert plain_secrets(text) == [password]


@pytest.mark.parametrize(
    ("text", "host", "port", "path"),
    [
        ("postgresql://h", "h", None, ""),
        ("postgresql://h:5432/db", "h", 5432, "db"),
        ("postgresql://[::1]:5432/db", "::1", 5432, "db"),
        ("postgresql://[fe80::1%25eth0]/db", "fe80::1%eth0", None, "db"),
        ("postgresql://%2Fvar%2Frun/db", "/var/run", None, "db"),
        ("postgresql:///db", None, None, "db"),
        ("postgresql://h1:1,h2:2/db", "h1:1,h2:2", None, "db"),
        ("postgresql://h:${env:PORT}/db", "h", None, "db"),
        ("mysql+pymysql://h//abs", "h", None, "/abs"),
    ],
)
def test_hosts_are_read_as_libpq_and_sqlalchemy_do(text: str, host: str | None, port: int | None, path: str) -> None:
    at = server(text)
    assert (at.host, at.port, at.path) == (host, port, path)


def test_a_plain_at_sign_belongs_to_the_password() -> None:
    at = server("postgresql+psycopg2://ann:p@ss@h/db?email=a@b#t@x")
    assert (at.user, at.host, at.library, at.options, at.table) == ("ann", "h", "psycopg2", {"email": "a@b"}, "t@x")
    assert at.password is not None
    assert at.password.reveal() == "p@ss"
    assert server("postgresql://h/db?email=a@b").user is None


def test_a_plus_in_the_query_is_a_plus() -> None:
    assert server("postgresql://h/d?key=a+b%20c").options == {"key": "a+b c"}


@pytest.mark.parametrize("sign", ["/", "?", "#"])
def test_a_password_that_ends_the_host_is_explained_and_not_shown(sign: str) -> None:
    text = f"postgresql://ann:hun{sign}ter2@h/db"
    with pytest.raises(UserError, match="percent-encode it") as caught:
        server(text)
    assert "ter2" not in str(caught.value)
    assert "hun" not in str(caught.value)
    assert shown(text) == "postgresql://***@h/db"
    assert plain_secrets(text) == [f"hun{sign}ter2"]


@pytest.mark.parametrize("port", ["hunter2", "99999", "-1"])
def test_a_port_that_is_none_is_not_shown_when_it_may_be_a_password(port: str) -> None:
    with pytest.raises(UserError, match="is no port") as caught:
        server(f"postgresql://ann:{port}")
    assert port == "99999" or port not in str(caught.value)


@pytest.mark.parametrize("query", ["memory", "a=1&a=2"])
def test_a_query_that_is_none_is_refused(query: str) -> None:
    with pytest.raises(UserError, match=r"NAME=VALUE|stands twice"):
        server(f"duckdb:///a.db?{query}#t")


@pytest.mark.parametrize(
    "password", ["2024#Summer", "2024?Summer", "2024/Summer", "#Summer", "?Summer", "2024?a&Summer"]
)
def test_digits_before_the_sign_that_ends_the_host_are_no_port_when_an_at_sign_follows(password: str) -> None:
    text = f"postgresql://ann:{password}@host/db#t"
    assert "Summer" not in shown(text)
    assert plain_secrets(text) == [password]
    with pytest.raises(UserError, match="has a sign that ends it"):
        server(text)


def test_what_is_no_url_has_no_server() -> None:
    with pytest.raises(UserError, match="is no URL"):
        server("orders.csv")
    assert split("orders.csv") is None


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("a:b@c/d#e?password=x", "a:b@c/d#e?password=x"),
        ("duckdb:///a.db?encryption_key=abc&memory=5#t", "duckdb:///a.db?encryption_key=***&memory=5#t"),
        ("duckdb:///a.db?encryption%5Fkey=abc", "duckdb:///a.db?encryption%5Fkey=***"),
        ("https://h/a?X-Amz-Signature=abc&sig=d&token=e", "https://h/a?X-Amz-Signature=***&sig=***&token=***"),
        ("postgresql://u:${env:P}@h/d?sslpassword=${file:x}", "postgresql://u:${env:P}@h/d?sslpassword=${file:x}"),
        ("postgresql://${keyring:a/b@c}:x@h:1/d", "postgresql://${keyring:a/b@c}:***@h:1/d"),
        ("postgresql://u:$${env:P}@h/d", "postgresql://u:***@h/d"),
        ("postgresql://u@h/d?passfile=/x", "postgresql://u@h/d?passfile=/x"),
    ],
)
def test_only_secrets_are_hidden_and_references_stay(text: str, meant: str) -> None:
    assert shown(text) == meant


@given(st.sampled_from(["postgresql", "duckdb", "https"]), st.text(max_size=20))
def test_a_url_without_secrets_is_shown_as_it_is(scheme: str, rest: str) -> None:
    text = f"{scheme}://host/{rest.replace('@', '').replace('=', '')}"
    assert shown(text) == text


def test_references_keep_their_own_signs_in_every_part() -> None:
    at = server("postgresql://${env:U}:${keyring:s:x/u@h}@${file:a/b#c}/${env:D}?k=${file:x&y=z}#${env:T}")
    assert (at.user, at.host, at.path, at.table) == ("${env:U}", "${file:a/b#c}", "${env:D}", "${env:T}")
    assert at.options == {"k": "${file:x&y=z}"}
    assert server("postgresql://h/d?k=${file:a%20b}%20c").options == {"k": "${file:a%20b} c"}
    assert not plain_password("postgresql://u:${keyring:s/u}@h")
    assert plain_password("postgresql://u:x@h")
