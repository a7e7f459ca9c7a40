"""Of a transcript that grows a worker reads what is new; what it remembers is what the ledger would say."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from langchain_core.messages import BaseMessage, HumanMessage, message_to_dict

from placet.effects._remembering import Transcripts
from placet.ledger import MessageDict, UnknownTurnError


@dataclass
class Book:
    """A ledger of turns with one message each, which counts the messages that are read."""

    parents: dict[str, str | None] = field(default_factory=dict[str, str | None])
    read: int = 0

    async def transcript(self, turn_id: str, behind: str | None = None) -> list[MessageDict]:
        """Returns the messages to the turn, from the root or from behind another turn."""
        line: list[str] = []
        at: str | None = turn_id
        while at is not None and at != behind:
            if at not in self.parents:
                raise UnknownTurnError(at)
            line.insert(0, at)
            at = self.parents[at]
        if at != behind:
            raise UnknownTurnError(turn_id)
        self.read += len(line)
        return [message_to_dict(HumanMessage(f"said in {one}", id=one)) for one in line]


def texts(messages: list[BaseMessage]) -> list[str]:
    """Returns what messages say, in short."""
    return [message.text.removeprefix("said in ") for message in messages]


@pytest.fixture
def book() -> Book:
    """Three turns, and a fourth that goes on from the first."""
    return Book({"a": None, "b": "a", "c": "b", "b2": "a"})


async def test_only_what_is_new_is_read(book: Book) -> None:
    transcripts = Transcripts(book)
    assert texts(await transcripts.to("t", "a")) == ["a"]
    assert texts(await transcripts.to("t", "c")) == ["a", "b", "c"]
    assert book.read == 3
    assert texts(await transcripts.to("t", "c")) == ["a", "b", "c"]
    assert book.read == 3


async def test_a_thread_that_goes_on_from_an_earlier_turn_is_read_anew(book: Book) -> None:
    """So it does after a reset."""
    transcripts = Transcripts(book)
    await transcripts.to("t", "c")
    assert texts(await transcripts.to("t", "b2")) == ["a", "b2"]
    assert texts(await transcripts.to("t", "b")) == ["a", "b"]


async def test_what_a_client_writes_into_a_message_is_not_remembered(book: Book) -> None:
    transcripts = Transcripts(book)
    (given,) = await transcripts.to("t", "a")
    given.content = "something else"
    given.additional_kwargs = {"cache_control": "ephemeral"}
    (again,) = await transcripts.to("t", "a")
    assert (again.text, again.additional_kwargs) == ("said in a", {})


async def test_a_turn_that_is_not_there_is_an_error_also_behind_one_that_is(book: Book) -> None:
    transcripts = Transcripts(book)
    await transcripts.to("t", "a")
    with pytest.raises(UnknownTurnError):
        await transcripts.to("t", "lost")


async def test_the_threads_that_were_asked_for_last_stay(book: Book) -> None:
    one = len(str(message_to_dict(HumanMessage("said in a", id="a"))))
    transcripts = Transcripts(book, largest=2 * one)
    for thread in ("first", "second", "first", "third"):
        await transcripts.to(thread, "a")
    assert book.read == 3
    await transcripts.to("first", "a")
    assert book.read == 3
    await transcripts.to("second", "a")
    assert book.read == 4


async def test_what_is_larger_than_all_that_may_stay_is_read_each_time(book: Book) -> None:
    transcripts = Transcripts(book, largest=10)
    for _ in range(2):
        assert texts(await transcripts.to("t", "b")) == ["a", "b"]
    assert book.read == 4
