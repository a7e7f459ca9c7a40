"""Pictures, files and sounds: from a person to the model, and from a tool to the model, through the ledger."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from placet.effects._cap import RESULT_CAP, capped
from placet_testing.conversations import Begun
from placet_testing.providers.anthropic_messages import AnthropicMessages
from placet_testing.providers.chat_completions import ChatCompletions
from placet_testing.providers.responses import Responses
from placet_testing.providers.server import Call, Json, ModelServer, parts

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PDF = "JVBERi0xLjQKJSVFT0YK"
TEXT: Json = {"type": "text", "text": "What is this?"}
PICTURE: Json = {"type": "image", "base64": PNG, "mime_type": "image/png"}
PICTURE_AT: Json = {"type": "image", "url": "https://example.com/cat.png"}
OPENAIS: Json = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
FILE: Json = {"type": "file", "base64": PDF, "mime_type": "application/pdf", "filename": "bill.pdf"}
SOUND: Json = {"type": "audio", "base64": "UklGRg==", "mime_type": "audio/wav"}
DRAWING: Json = {"type": "image", "base64": "PHN2Zy8+", "mime_type": "image/svg+xml"}
SHEET: Json = {"type": "file", "base64": "UEsDBA==", "mime_type": "application/vnd.ms-excel", "filename": "a.xls"}
FILE_AT: Json = {"type": "file", "url": "https://example.com/bill.pdf", "mime_type": "application/pdf"}

TOOL = '''
from typing import Any
from langchain_core.tools import tool

GIVEN = {given!r}

@tool(response_format="content_and_artifact")
def look(order_id: int) -> tuple[list[Any], dict[str, int]]:
    """Look at what was sent."""
    return GIVEN, {{"size": 3}}

def refund(order_id: int, amount: float = 1.0) -> list[Any]:
    """Refund an order."""
    return GIVEN

def find_orders(customer: str = "anybody") -> list[int]:
    """Find orders."""
    return [7, 9]
'''


def person_said(request: Json) -> list[Any]:
    messages = request.get("messages") or request["input"]
    return next(parts(message["content"]) for message in messages if message["role"] == "user")


@pytest.mark.parametrize("block", [PICTURE, PICTURE_AT, OPENAIS, FILE], ids=["base64", "url", "image_url", "PDF"])
async def test_what_a_person_shows_reaches_the_model_in_every_turn(
    provider: ModelServer, converse: Begun, block: Json
) -> None:
    provider.says("", Call("find_orders"))
    provider.says("A cat.")
    one = converse("desk")
    assert await one.to_the_end([TEXT, block]) == "A cat."
    assert provider.refused == []
    (stored, *_) = await one.messages()
    assert stored["data"]["content"] == [TEXT, block]
    first, second = (person_said(request) for request in provider.requests)
    assert first == second
    wanted = block.get("base64") or block.get("url") or PNG
    assert wanted in json.dumps(first[1])


@pytest.mark.parametrize("provider", ["chat completions"], indirect=True)
async def test_sound_reaches_a_model_that_hears(provider: ModelServer, converse: Begun) -> None:
    provider.says("A bell.")
    await converse("desk").to_the_end([TEXT, SOUND])
    assert person_said(provider.requests[0])[1] == {
        "type": "input_audio",
        "input_audio": {"data": "UklGRg==", "format": "wav"},
    }


def gives(folder: Path, *blocks: object) -> None:
    (folder / "real_tools.py").write_text(TOOL.format(given=list(blocks)))
    config = folder / "placet.yaml"
    config.write_text(config.read_text().replace("real_tools:find_orders", "real_tools:find_orders, real_tools:look"))


@pytest.mark.parametrize("tool", ["look", "refund"])
@pytest.mark.parametrize("block", [PICTURE, PICTURE_AT, OPENAIS, FILE], ids=["base64", "url", "image_url", "PDF"])
async def test_what_a_tool_shows_reaches_the_model(
    provider: ModelServer, converse: Begun, tmp_path: Path, block: Json, tool: str
) -> None:
    gives(tmp_path, {**TEXT, "id": "lc_1"}, block, "a bare text")
    provider.says("", Call(tool, '{"order_id": 7}', "call_a"), Call("find_orders", "{}", "call_b"), thinks=True)
    provider.says("A cat.")
    one = converse("desk")
    assert await one.to_the_end() == "A cat."
    assert provider.refused == []
    (told, _) = [message["data"] for message in await one.messages() if message["type"] == "tool"]
    assert told["content"] == [{**TEXT, "id": "lc_1"}, block, "a bare text"]
    sent = json.dumps(provider.requests[1])
    assert (block.get("base64") or block.get("url") or PNG) in sent
    assert "a bare text" in sent


async def test_a_provider_that_takes_text_only_in_results_is_shown_the_rest_after_them(
    provider: ModelServer, converse: Begun, tmp_path: Path
) -> None:
    gives(tmp_path, TEXT, PICTURE)
    provider.says("", Call("look", '{"order_id": 7}', "call_a"), Call("find_orders", "{}", "call_b"))
    provider.says("", Call("find_orders", "{}", "call_c"))
    provider.says("Done.")
    await converse("desk").to_the_end()
    assert provider.refused == []
    if isinstance(provider, ChatCompletions):
        roles = [message["role"] for message in provider.requests[-1]["messages"]]
        assert roles == ["system", "user", "assistant", "tool", "tool", "user", "assistant", "tool"]
        told = provider.requests[-1]["messages"][3]["content"]
        assert told[1] == {"type": "text", "text": "[image, image/png: see number 1 below]"}


@pytest.mark.parametrize("block", [SOUND, DRAWING, SHEET], ids=["a sound", "a drawing", "a sheet"])
async def test_what_no_model_can_be_shown_is_told_and_does_not_end_the_thread(
    provider: ModelServer, converse: Begun, tmp_path: Path, block: Json
) -> None:
    gives(tmp_path, TEXT, block)
    provider.says("", Call("refund", '{"order_id": 7}'))
    provider.says("Done.")
    one = converse("desk")
    assert await one.to_the_end() == "Done."
    assert provider.refused == []
    sent = json.dumps(provider.requests[1])
    assert "that this model cannot be shown" in sent
    assert block["base64"] not in sent
    (told,) = [message["data"] for message in await one.messages() if message["type"] == "tool"]
    assert told["content"] == [TEXT, block], "the ledger keeps it"


async def test_a_file_at_an_address_is_no_end_of_the_thread(
    provider: ModelServer, converse: Begun, tmp_path: Path
) -> None:
    gives(tmp_path, TEXT, FILE_AT)
    provider.says("", Call("look", '{"order_id": 7}'))
    provider.says("Done.")
    assert await converse("desk").to_the_end() == "Done."
    assert provider.refused == []
    assert "https://example.com/bill.pdf" in json.dumps(provider.requests[1])


async def test_text_in_blocks_is_cut_at_the_cap_and_nothing_else_is(
    provider: ModelServer, converse: Begun, tmp_path: Path
) -> None:
    picture = {**PICTURE, "base64": PNG + "A" * 2 * RESULT_CAP}
    gives(tmp_path, {"type": "text", "text": "x" * (RESULT_CAP - 1)}, picture, "yz" * 5)
    provider.says("", Call("look", '{"order_id": 7}'))
    provider.says("Done.")
    one = converse("desk")
    await one.to_the_end()
    assert provider.refused == []
    sent = json.dumps(provider.requests[1])
    assert picture["base64"] in sent
    assert "9 more characters were cut here" in sent
    assert "zy" not in sent
    (told,) = [message["data"] for message in await one.messages() if message["type"] == "tool"]
    assert told["content"][2] == "yz" * 5


@pytest.mark.parametrize("size", [0, 1, RESULT_CAP - 1, RESULT_CAP, RESULT_CAP + 1, 3 * RESULT_CAP])
def test_the_cap_holds_over_all_texts_and_breaks_no_block(size: int) -> None:
    half = size // 2
    content: list[Any] = [{"type": "text", "text": "a" * half, "id": "1"}, PICTURE, "b" * (size - half)]
    cut = capped(content)
    assert isinstance(cut, list)
    texts = [block if isinstance(block, str) else str(block.get("text", "")) for block in cut]
    shown = sum(len(text) for text in texts if "were cut here" not in text)
    assert shown == min(size, RESULT_CAP)
    assert PICTURE in cut
    assert (cut == content) == (size <= RESULT_CAP)
    if size > RESULT_CAP:
        assert texts[-1] == f"[{size - RESULT_CAP:,} more characters were cut here]"


async def test_what_cannot_be_written_in_json_does_not_end_the_thread(provider: ModelServer, converse: Begun) -> None:
    if not isinstance(provider, AnthropicMessages | Responses):
        provider.says("half \ud800", Call("refund", '{"order_id": 7, "amount": NaN}', "call_a"))
    else:
        provider.says("half \ud800", Call("refund", '{"order_id": "\\ud800"}', "call_a"))
    provider.says("Done.")
    one = converse("desk")
    assert await one.to_the_end() == "Done."
    assert provider.refused == []
