"""Ports: the usual ones, free ones where they are taken, and the same ones at the next start."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from placet.engine.ports import Port, choose, free_port, is_free


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "ports.json"


def test_the_usual_port_is_used_where_it_is_free(kept: Path) -> None:
    usual, said = free_port(), list[str]()
    assert choose([Port(name="gateway", usual=usual, shown=True)], kept, said.append) == {"gateway": usual}
    assert said == []


def test_a_taken_port_is_replaced_by_a_free_one_and_said(kept: Path) -> None:
    said: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as taken:
        usual = taken.getsockname()[1]
        chosen = choose([Port(name="gateway", usual=usual, shown=True)], kept, said.append)["gateway"]
    assert chosen != usual
    assert is_free(chosen)
    assert said == [f"Port {usual} is taken: the gateway listens on {chosen}."]


def test_the_next_start_has_the_same_ports_although_the_usual_one_is_free_again(kept: Path) -> None:
    said: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as taken:
        wanted = [Port(name="gateway", usual=taken.getsockname()[1], shown=True), Port(name="inside")]
        first = choose(wanted, kept, said.append)
    assert choose(wanted, kept, said.append) == first
    assert len(said) == 1


def test_a_wished_port_wins_and_is_kept(kept: Path) -> None:
    usual, wished = free_port(), free_port()
    choose([Port(name="gateway", usual=usual)], kept, print)
    assert choose([Port(name="gateway", usual=usual, wished=wished)], kept, print) == {"gateway": wished}
    assert choose([Port(name="gateway", usual=usual)], kept, print) == {"gateway": wished}


def test_no_two_names_get_one_port(kept: Path) -> None:
    usual = free_port()
    chosen = choose([Port(name=f"port {index}", usual=usual) for index in range(20)], kept, print)
    assert len(set(chosen.values())) == 20


@pytest.mark.parametrize("content", ["", "nonsense", "[1]", '{"gateway": "x"}', '{"gateway": 0}', '{"gateway": 99999}'])
def test_a_kept_file_that_makes_no_sense_is_as_none(kept: Path, content: str) -> None:
    kept.write_text(content)
    usual = free_port()
    assert choose([Port(name="gateway", usual=usual)], kept, print) == {"gateway": usual}
