from __future__ import annotations

import pytest

from towpath import registry
from towpath.errors import UserError


@pytest.mark.parametrize(
    ("seam", "scheme", "library", "name"),
    [
        ("database", "postgresql", None, "postgresql"),
        ("database", "postgresql", "adbc_driver_postgresql", "adbc"),
        ("database", "postgresql", "psycopg", "postgresql"),
        ("database", "postgresql", "psycopg2", "psycopg2"),
        ("database", "mariadb", "pymysql", "mariadb"),
        ("queue", "kafka", "confluent_kafka", "kafka"),
        ("store", "s3", "boto3", "s3"),
    ],
)
def test_a_library_plays_the_part_of_a_scheme(seam: str, scheme: str, library: str | None, name: str) -> None:
    assert registry.chosen(seam, scheme, library).name == name


@pytest.mark.parametrize(
    ("seam", "scheme", "library", "told"),
    [
        ("database", "postgresql", "psycopg3", "did you mean 'psycopg'"),
        ("database", "postgresql", "sqlite", "name one of: psycopg, adbc, psycopg2"),
        ("database", "sqlite", "pysqlite", "write sqlite://"),
    ],
)
def test_a_library_that_cannot_play_the_part_is_told(seam: str, scheme: str, library: str, told: str) -> None:
    with pytest.raises(UserError, match="there is no library") as refused:
        registry.chosen(seam, scheme, library)
    assert told in str(refused.value)


def test_a_library_is_no_scheme_of_its_own() -> None:
    with pytest.raises(UserError, match="no database, store or queue named 'psycopg2'"):
        registry.seam_of("psycopg2")
