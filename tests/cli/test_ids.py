"""An id may be typed as a beginning of it, where that fits one thing only."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from placet_testing.fake_gateway import FakeGateway

    from .conftest import Placet


def test_a_beginning_of_four_characters_finds_one(gateway: FakeGateway, placet: Placet) -> None:
    wanted = gateway.asks(id="abcd" + "0" * 28)
    gateway.asks(id="abce" + "0" * 28)
    assert placet("show", "abcd", "--json").document["id"] == wanted["id"]
    assert placet("show", "ABCD0", "--json").document["id"] == wanted["id"]


def test_what_has_ended_is_found_too(gateway: FakeGateway, placet: Placet) -> None:
    ended = gateway.asks(id="abcd" + "0" * 28)
    gateway.ends(ended["id"], "expired")
    assert placet("show", "abcd", "--json").document["status"] == "expired"


def test_several_are_listed_and_nothing_is_decided(gateway: FakeGateway, placet: Placet) -> None:
    first, second = gateway.asks(id="abcd" + "0" * 28), gateway.asks(id="abcd" + "1" * 28, title="x\x1b[2J")
    ended = placet("approve", "abcd")
    assert ended.code == 2
    assert first["id"] in ended.err
    assert second["id"] in ended.err
    assert "\x1b" not in ended.err
    assert gateway.decisions == []


def test_one_pending_and_one_ended_are_several(gateway: FakeGateway, placet: Placet) -> None:
    gateway.asks(id="abcd" + "0" * 28)
    gateway.ends(gateway.asks(id="abcd" + "1" * 28)["id"], "expired")
    assert placet("approve", "abcd").code == 2


def test_less_than_four_characters_are_too_few(gateway: FakeGateway, placet: Placet) -> None:
    gateway.asks(id="abcd" + "0" * 28)
    assert placet("show", "abc").code == 2


def test_what_fits_nothing_is_7(gateway: FakeGateway, placet: Placet) -> None:
    gateway.asks(id="abcd" + "0" * 28)
    for typed in ("abce", "f" * 32, "../runs", "not-an-id", "a%2fb"):
        ended = placet("show", typed, "--json")
        assert (ended.code, ended.document["code"]) == (7, "not_found")


def test_a_beginning_is_looked_for_on_every_page(gateway: FakeGateway, placet: Placet) -> None:
    for number in range(201):
        gateway.asks(id=f"{number:032x}")
    wanted = gateway.asks(id="abcd" + "0" * 28)
    assert placet("show", "abcd", "--json").document["id"] == wanted["id"]


def test_a_run_is_found_with_and_without_its_prefix(gateway: FakeGateway, placet: Placet) -> None:
    run = gateway.has_run()
    bare = run["id"].removeprefix("run-")
    for typed in (run["id"], bare, bare[:8], run["id"][:12]):
        assert placet("cancel", typed, "--json").document["id"] == run["id"]
