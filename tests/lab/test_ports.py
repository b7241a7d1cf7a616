from __future__ import annotations

import socket

import pytest

from towpath.errors import Refused
from towpath.lab.ports import HOST, take


def test_ports_differ_and_are_nobody_elses_until_they_are_released() -> None:
    one = take(3)
    port = one.numbers[0]
    assert len(set(one.numbers)) == 3
    with pytest.raises(Refused, match="another lab has it"):
        take(1, port)
    one.release()
    take(1, port).release()


def test_a_port_that_answers_is_refused() -> None:
    with socket.create_server((HOST, 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(Refused, match=f"{HOST}:{port}: port {port} cannot be had: a server answers there already"):
            take(1, port)


def test_a_port_that_is_bound_but_does_not_answer_is_refused() -> None:
    with socket.socket() as other:
        other.bind((HOST, 0))
        port = other.getsockname()[1]
        with pytest.raises(Refused, match="in use"):
            take(2, port)
