"""Models: a provider's by LangChain's name for it, or a chat model of the user's own."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from langchain_core.language_models import BaseChatModel

from placet.agents._references import is_in, resolve
from placet.agents.errors import UnresolvedError

_UNKNOWN: Final = "Unable to infer model provider"
"""How LangChain begins to say that it knows no provider for a name."""

_EXTRAS: Final = {
    "langchain-anthropic": "anthropic",
    "langchain-google-genai": "google",
    "langchain-openai": "openai",
}
"""Which extra of ours brings a provider's package."""

_TEXT: Final = frozenset({"text"})
_DOCUMENTS: Final = frozenset({"file", "image", "image_url", "text"})

_COUNT_THE_FIRST: Final = "langchain_google"
"""Begins the modules of clients that count the first try: 1 is no retry, and 0 is many to their older versions."""


def model_of(name: str, folder: Path) -> BaseChatModel:
    """Returns the model that a configuration names.

    A provider's client does not retry by itself: the activity does, durably.

    Args:
        name: What `init_chat_model` takes, or `module:attribute`: a chat model, or what makes one. A module in the
            folder comes first, then a provider that LangChain knows, then an installed module.
        folder: The folder of `placet.yaml`.

    Raises:
        TypeError: The reference is no chat model and makes none.
        UnresolvedError: There is no such thing, or the provider's package is not installed.
        Exception: Whatever the provider's package or the module raises.
    """
    module, colon, attribute = name.partition(":")
    if colon and is_in(folder, module):
        return _own(name, folder)
    try:
        return _providers(name)
    except ValueError as error:
        if not str(error).startswith(_UNKNOWN):
            raise
        if colon and attribute.isidentifier() and _is_installed(module):
            return _own(name, folder)
        message = f"LangChain knows no such provider or model, and there is no module {module} in {folder}"
        raise UnresolvedError(message) from error


def kinds_in_results(model: BaseChatModel) -> frozenset[str] | None:
    """Returns the kinds of content blocks that the model's provider takes in a tool's result; None: not known."""
    if _loaded(model, "langchain_openai.chat_models.base", "BaseChatOpenAI"):
        # Its client knows which of OpenAI's two protocols it will speak, and tells nobody in public.
        decides: Callable[[dict[str, Any]], bool] | None = getattr(model, "_use_responses_api", None)
        settings: dict[str, Any] = getattr(model, "_default_params", {})
        return _DOCUMENTS if decides and decides({**settings, "tools": [{"type": "function"}]}) else _TEXT
    return _DOCUMENTS if _loaded(model, "langchain_anthropic.chat_models", "ChatAnthropic") else None


def _loaded(model: BaseChatModel, module: str, name: str) -> bool:
    """Returns whether a model is of a provider's class; that class is not imported for the question."""
    kind: object = getattr(sys.modules.get(module), name, None)
    return isinstance(kind, type) and isinstance(model, kind)


def _own(name: str, folder: Path) -> BaseChatModel:
    thing = resolve(name, folder)
    made = thing() if callable(thing) and not isinstance(thing, BaseChatModel) else thing
    if not isinstance(made, BaseChatModel):
        message = f"it is a {type(made).__name__}, and neither a chat model nor a function that makes one"
        raise TypeError(message)
    return made


def _providers(name: str) -> BaseChatModel:
    # Imported where it is used: a worker whose agents bring their own models starts without it.
    from langchain.chat_models import init_chat_model  # noqa: PLC0415

    try:
        made = init_chat_model(name, max_retries=0)
        counts_the_first = type(made).__module__.startswith(_COUNT_THE_FIRST)
        return init_chat_model(name, max_retries=1) if counts_the_first else made
    except (TypeError, ValueError) as error:
        if "max_retries" not in str(error):
            raise
        return init_chat_model(name)
    except ImportError as error:
        raise UnresolvedError(_to_install(error)) from error


def _to_install(error: ImportError) -> str:
    """Returns what is missing and how to get it."""
    extra = next((extra for package, extra in _EXTRAS.items() if package in str(error)), None)
    cause = error.__cause__
    missing = cause.name if isinstance(cause, ImportError) and cause.name else None
    if extra is None:
        return str(error)
    because = f"there is no module {missing}" if missing else str(cause or error)
    return f"{because}: pip install 'placet[{extra}]'"


def _is_installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False
