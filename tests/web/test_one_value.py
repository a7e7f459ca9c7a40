"""What the page shows, what the command line prints, what the ledger holds and what the tool gets are one value."""

from __future__ import annotations

from typing import Any, Final
from uuid import uuid4

import pytest
from bs4 import BeautifulSoup, Tag
from bs4.filter import SoupStrainer
from httpx import AsyncClient
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from langchain_core.runnables import RunnableConfig

from placet.agents._tools import tool_of
from placet.cli._output import Output
from placet.cli._screen import paper
from placet.contracts.approvals import Approval
from placet.contracts.canonical import canonical_text, digest, parse_object
from placet_testing.gateway import REFUND, Site
from placet_testing.hostile import NUMBERS, TEXTS, name_of, nested, read_json, shows

Args = dict[str, Any]
TRIES: Final = 10

_texts: Final = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    st.sampled_from(sorted(TEXTS.values())),
    # What is shown, or read back, could go wrong most easily where these meet.
    st.text(st.sampled_from('\\"nxuU0e1b2\n\r\t {}[],:\u202e\u00a0é'), max_size=30),
)
_leaves: Final = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(NUMBERS),
    _texts,
)
_values: Final = st.recursive(
    _leaves,
    lambda inner: st.one_of(st.lists(inner, max_size=6), st.dictionaries(_texts, inner, max_size=6)),
    max_leaves=20,
)
_looks: Final = st.sampled_from(
    ("command", "sql", "query", "diff", "patch", "to", "cc", "subject", "url", "path", "amount", "currency")
)
"""Names of arguments that are not shown as JSON, where their values allow it."""
_calls: Final = st.dictionaries(st.one_of(_texts, _looks), _values, max_size=6)


def in_rows(page: BeautifulSoup) -> list[tuple[str, str]]:
    """Returns name and value of each argument, as they are shown."""
    found: list[tuple[str, str]] = []
    for row in page.select(".exactly > .values > .value"):
        name, value = row.select_one("dt bdi"), row.select_one("dd pre")
        assert isinstance(name, Tag)
        assert isinstance(value, Tag)
        found.append((name.text, value.text))
    return found


def on_paper(printed: list[str]) -> list[tuple[str, str]]:
    """Returns name and value of each argument, as the command line prints them into a pipe."""
    found: list[tuple[str, list[str]]] = []
    for line in printed[next(place for place, line in enumerate(printed) if line.startswith("tool\t")) + 1 :]:
        if line.startswith("# "):
            break
        if line.startswith("    | "):
            found[-1][1].append(line[6:])
        elif line.startswith("args."):
            name, _, value = line.removeprefix("args.").partition("\t")
            found.append((name, [value]))
        elif line.startswith("  args."):
            found.append((line.removeprefix("  args."), []))
    return [(name, "\n".join(told)) for name, told in found]


def shown_part(text: str) -> BeautifulSoup:
    """Returns what a page says of its approval: the rest is not looked at, which takes less long."""
    return BeautifulSoup(text, "html.parser", parse_only=SoupStrainer("section"))


async def asked_in_the_end(client: AsyncClient, args: Args) -> dict[str, Any]:
    """Asks for a refund; a machine that has no time for its ledger says 503, and is asked again."""
    body, key = {**REFUND, "args": args}, {"Idempotency-Key": uuid4().hex}
    del body["args_schema"]
    answer = await client.post("/v1/approvals", json=body, headers=key)
    for _ in range(TRIES):
        if answer.status_code != 503:
            break
        answer = await client.post("/v1/approvals", json=body, headers=key)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def check(site: Site, args: Args) -> None:
    """Sends a call all the way, and looks at it in each place."""
    client = site.clients[0] if site.clients else site.client()
    approval = await asked_in_the_end(client, args)
    text = canonical_text(args)
    bound = digest("refund", text)
    assert approval["digest"] == bound

    page = shown_part((await client.get(f"/approvals/{approval['id']}?whole=1")).text)
    rows = in_rows(page)
    assert [name_of(name) for name, _ in rows] == sorted(args)
    assert all(shows(shown, args[name_of(name)]) for name, shown in rows), rows
    raw = page.select_one(".exactly details.raw pre")
    assert raw is not None
    assert canonical_text(read_json(raw.text)) == text
    sent = page.select_one("form[data-decide=approve] input[name=digest]")
    assert sent is not None
    assert sent["value"] == bound

    body = (await client.get(f"/v1/approvals/{approval['id']}")).text
    told = Approval.model_validate(parse_object(body))
    printed = paper(Output(as_json=False), told, limit=None)
    assert [name_of(name) for name, _ in on_paper(printed)] == sorted(args)
    assert all(shows(shown, args[name_of(name)]) for name, shown in on_paper(printed)), printed
    assert any(bound in line for line in printed)

    held = await site.ledger.args_text(approval["id"])
    assert held is not None
    assert held == text
    assert canonical_text(await taken(held)) == text


async def taken(text: str) -> Args:
    """Returns what a tool gets that takes anything."""
    got: list[Args] = []

    async def refund(**given: Any) -> str:
        got.append(given)
        return ""

    await tool_of(refund).run(parse_object(text), RunnableConfig())
    return got[0]


def tried(times: int) -> settings:
    return settings(max_examples=times, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@example(args=dict(TEXTS))
@example(args={text: name for name, text in TEXTS.items()})
@example(args={str(place): number for place, number in enumerate(NUMBERS)})
@example(args={"deep": nested(50)})
@example(args={"": "\n"})
@given(args=_calls)
@tried(60)
async def test_a_call_is_one_value_wherever_it_is(local_site: Site, args: Args) -> None:
    """A text of several lines is compared up to escapes that were typed; the JSON and the digest to the letter."""
    await check(local_site, args)


@pytest.mark.repeated
@pytest.mark.timeout(3_600)
@given(args=_calls)
@tried(10_000)
async def test_ten_thousand_calls_are_one_value_wherever_they_are(local_site: Site, args: Args) -> None:
    await check(local_site, args)


@pytest.mark.parametrize(
    "args",
    [{"text": "x" * 900_000}, {f"key {number}": number for number in range(10_000)}, {"deep": nested(95)}],
    ids=["900,000 characters", "10,000 arguments", "95 levels"],
)
async def test_a_large_call_is_one_value_wherever_it_is(local_site: Site, args: Args) -> None:
    await check(local_site, args)
