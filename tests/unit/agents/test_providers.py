"""A provider whose package is missing: the message names what to install."""

from __future__ import annotations

import sys
from importlib.metadata import metadata
from pathlib import Path

import pytest

from placet.agents import UnresolvedError
from placet.agents._models import model_of  # the function behind `model:`


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Forgets the providers' packages, so that each is imported again."""
    from langchain.chat_models import base  # noqa: PLC0415 - takes a second

    base._get_chat_model_creator.cache_clear()  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    for name in list(sys.modules):
        if name.partition(".")[0] in {"langchain_openai", "langchain_anthropic", "langchain_google_genai"}:
            monkeypatch.delitem(sys.modules, name)
    return monkeypatch


@pytest.mark.parametrize(
    ("model", "package", "extra"),
    [
        ("openai:gpt-5-mini", "langchain_openai", "openai"),
        ("gpt-5-mini", "langchain_openai", "openai"),
        ("azure_openai:gpt-5-mini", "langchain_openai", "openai"),
        ("anthropic:claude-haiku-5-5", "langchain_anthropic", "anthropic"),
        ("claude-haiku-5-5", "langchain_anthropic", "anthropic"),
        ("google_genai:gemini-2.5-flash", "langchain_google_genai", "google"),
    ],
)
def test_the_extra_to_install_is_named(
    without: pytest.MonkeyPatch, tmp_path: Path, model: str, package: str, extra: str
) -> None:
    without.setitem(sys.modules, package, None)
    with pytest.raises(UnresolvedError) as caught:
        model_of(model, tmp_path)
    assert str(caught.value) == f"there is no module {package}: pip install 'placet[{extra}]'"
    assert extra in (metadata("placet").get_all("Provides-Extra") or [])


def test_what_a_providers_package_lacks_itself_is_named(without: pytest.MonkeyPatch, tmp_path: Path) -> None:
    without.setitem(sys.modules, "anthropic", None)
    with pytest.raises(UnresolvedError, match="no module anthropic: pip install"):
        model_of("anthropic:claude-haiku-5-5", tmp_path)


def test_a_provider_without_an_extra_is_named_by_its_package(without: pytest.MonkeyPatch, tmp_path: Path) -> None:
    without.setitem(sys.modules, "langchain_mistralai", None)
    with pytest.raises(UnresolvedError, match="pip install langchain-mistralai"):
        model_of("mistralai:mistral-large", tmp_path)
