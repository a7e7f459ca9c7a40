"""Models: a provider's by LangChain's name for it, or a chat model of the user's own."""

from __future__ import annotations

from pathlib import Path

from langchain.chat_models import init_chat_model
from langchain_core.language_models import BaseChatModel

from placet.agents._references import resolve


def model_of(name: str, folder: Path) -> BaseChatModel:
    """Returns the model that a configuration names.

    A provider's client does not retry by itself: the activity does, durably.

    Args:
        name: `provider:model` as `init_chat_model` takes it, or `module:attribute` where the folder of the
            configuration has that module.
        folder: The folder of `placet.yaml`.

    Raises:
        TypeError: The reference is no chat model and makes none.
        Exception: Whatever the provider's package or the module raises.
    """
    module = name.partition(":")[0].replace(".", "/")
    if not ((folder / f"{module}.py").exists() or (folder / module).is_dir()):
        return init_chat_model(name, max_retries=0)
    thing = resolve(name, folder)
    made = thing() if callable(thing) and not isinstance(thing, BaseChatModel) else thing
    if not isinstance(made, BaseChatModel):
        message = f"{name} is {type(made).__name__}, not a chat model"
        raise TypeError(message)
    return made
