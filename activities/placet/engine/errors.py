"""What can go wrong between Placet and Temporal.

EngineError
├── SettingsError          a setting cannot be read
├── TemporalMissing        no way to a Temporal server on this machine
├── ProvisionError         a way was there and failed
├── TemporalUnreachable    nobody answers at the address, or not for this namespace
├── SearchAttributesError  they are missing and could not be created
├── DataFolderBusy         another `placet up` runs on the same data folder
└── ChildFailed            a process of `placet up` cannot start
"""

from __future__ import annotations

from pathlib import Path


class EngineError(Exception):
    """Anything of the engine; its text says what happened, to what, and what to do."""


class SettingsError(EngineError):
    """A setting cannot be read."""

    def __init__(self, name: str, value: str, reason: str) -> None:
        super().__init__(f"{name}={value!r}: {reason}")
        self.name = name


class TemporalMissing(EngineError):  # noqa: N818  (a situation, not a class of errors)
    """There is no way to a Temporal server on this machine; `tried` tells why each one fails."""

    def __init__(self, tried: list[str]) -> None:
        lines = "\n".join(f"  - {line}" for line in tried)
        super().__init__(
            "No Temporal server was found and none could be made. Any one of these is enough:\n"
            f"{lines}\n"
            "`placet doctor` shows what is there."
        )
        self.tried = tried


class ProvisionError(EngineError):
    """A program could not be downloaded or built; `log` holds what its tool said."""

    def __init__(self, what: str, reason: str, log: Path | None = None) -> None:
        where = f" (all of it: {log})" if log else ""
        super().__init__(f"{what}: {reason}{where}")
        self.log = log


class TemporalUnreachable(EngineError):  # noqa: N818  (a situation, not a class of errors)
    """Nobody answers at the address, or not for this namespace."""

    def __init__(self, address: str, namespace: str, reason: str) -> None:
        super().__init__(
            f"Temporal at {address}, namespace {namespace}, does not answer: {reason}. "
            "Start one with `placet up`, or name another with TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE."
        )
        self.address = address
        self.namespace = namespace


class SearchAttributesError(EngineError):
    """Search attributes are missing and could not be created."""

    def __init__(self, names: list[str], reason: str) -> None:
        listed = " ".join(f"--name {name}" for name in names)
        super().__init__(
            f"The namespace lacks the search attributes {', '.join(names)} and they could not be created ({reason}). "
            f"Let an administrator run `temporal operator search-attribute create {listed}` with the types of the docs."
        )
        self.names = names


class DataFolderBusy(EngineError):  # noqa: N818  (a situation, not a class of errors)
    """Another `placet up` runs on the same data folder."""

    def __init__(self, folder: Path, pid: int | None) -> None:
        who = f" (process {pid})" if pid else ""
        super().__init__(
            f"Another `placet up`{who} runs on {folder}. Use that one, stop it, or start a second with --data OTHER."
        )
        self.folder = folder
        self.pid = pid


class ChildFailed(EngineError):  # noqa: N818  (a situation, not a class of errors)
    """A process of `placet up` says that it cannot start, and starting it again would not help."""

    def __init__(self, name: str, code: int, said: str, log: Path) -> None:
        super().__init__(f"The {name} cannot start:\n{said}\n(all of it: {log})")
        self.name = name
        self.code = code
        self.log = log
