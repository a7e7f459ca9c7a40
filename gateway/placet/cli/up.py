"""`placet up`: everything on this machine, by one command."""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TextIO

import typer

from placet.cli._output import SCHEMA_VERSION
from placet.cli.serve import NOT_STARTED, leave

if TYPE_CHECKING:
    from placet.engine.errors import EngineError
    from placet.engine.settings import Settings

DATA: Final = Path(".placet")
CONFIG: Final = Path("placet.yaml")
DEMO: Final = 'run billing "Order 1001 arrived broken. Refund it and tell the customer."'
_USUAL_URL: Final = "http://127.0.0.1:7117"
_UNEXPECTED, _USAGE, _UNREACHABLE = 1, 2, 69


def up(
    *,
    config: Annotated[
        Path | None, typer.Option(help="The agents and the policy. Default: ./placet.yaml where there is one.")
    ] = None,
    demo: Annotated[bool, typer.Option("--demo", help="Run the demo: an agent at a billing desk.")] = False,
    data: Annotated[Path | None, typer.Option(help="The folder of all state. Default: .placet")] = None,
    port: Annotated[int | None, typer.Option(help="The gateway's port. Default: 7117", min=1, max=65535)] = None,
    temporal: Annotated[str | None, typer.Option(help="host:port of a Temporal server to use.")] = None,
    browser: Annotated[
        bool | None, typer.Option("--open/--no-open", help="Open the inbox in a browser. Default: in a terminal.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the addresses as JSON.")] = False,
) -> None:
    """Start Temporal, a worker and the gateway on this machine; Ctrl-C stops all."""
    if demo and config is not None:
        leave(_refuse(_USAGE, "--demo brings its own configuration: leave out --config.", as_json=as_json))
    if config is not None and not config.is_file():
        leave(_refuse(_USAGE, f"{config} is not a file.", as_json=as_json))
    from placet.cli._welcome import may_open  # noqa: PLC0415

    at_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    opens = may_open(os.environ, at_terminal=at_terminal) if browser is None else browser
    leave(_up(config=config, demo=demo, data=data, port=port, temporal=temporal, opens=opens, as_json=as_json))


def register(app: typer.Typer) -> None:
    """Adds the command of this module."""
    app.command()(up)


@dataclass(frozen=True, kw_only=True)
class _Announcement:
    """What is printed when everything answers."""

    demo: bool
    has_agents: bool
    as_json: bool
    open_inbox: bool

    def __call__(self, settings: Settings) -> None:
        addresses = {
            "inbox": f"{settings.url}/inbox",
            "api": f"{settings.url}/v1",
            "temporal": settings.temporal_address,
            "temporal_ui": settings.temporal_ui,
            "data": str(settings.data),
            "logs": str(settings.data / "logs"),
        }
        following = command(settings.url, DEMO) if self.demo else None
        if self.as_json:
            text = json.dumps({"schema_version": SCHEMA_VERSION, **addresses, "next": following})
        else:
            text = "\n".join(self._lines(addresses, following))
        _print(text, sys.stdout)
        if self.open_inbox and not self.as_json:
            from placet.cli._welcome import welcome  # noqa: PLC0415

            welcome(settings.url, demo=self.demo)

    def _lines(self, addresses: dict[str, str | None], following: str | None) -> list[str]:
        lines = ["Placet is up."]
        lines += [f"  {name.replace('_ui', ' UI'):12} {where}" for name, where in addresses.items() if where]
        if not self.has_agents:
            lines.append("No placet.yaml: there are no agents, only approvals that are asked for over HTTP.")
        if following:
            lines += ["Next, in another terminal:", f"  {following}"]
        lines.append("Ctrl-C stops all; what waits goes on at the next start.")
        return lines


def command(url: str, what: str) -> str:
    """Returns a command of Placet as it works in the person's terminal."""
    here = Path(sys.argv[0])
    if shutil.which("placet"):
        program = "placet"
    elif here.name == "placet":
        program = os.path.relpath(here) if here.is_relative_to(Path.cwd()) else str(here)
    else:
        program = f"{sys.executable} -m placet.cli"
    where = "" if url == _USUAL_URL else f"PLACET_URL={url} "
    return f"{where}{program} {what}"


def _up(
    *,
    config: Path | None,
    demo: bool,
    data: Path | None,
    port: int | None,
    temporal: str | None,
    opens: bool,
    as_json: bool,
) -> int:
    from placet.engine.demo import demo_config  # noqa: PLC0415
    from placet.engine.errors import EngineError  # noqa: PLC0415
    from placet.engine.local import run_local  # noqa: PLC0415
    from placet.engine.plan import Wishes  # noqa: PLC0415

    environ = dict(os.environ) | ({"TEMPORAL_ADDRESS": temporal} if temporal else {})
    folder = data or Path(environ.get("PLACET_DATA") or DATA)
    try:
        chosen = demo_config(folder) if demo else config or _usual_config()
        wishes = Wishes(data=folder, config=chosen, port=port, environ=environ)
        announced = _Announcement(demo=demo, has_agents=chosen is not None, as_json=as_json, open_inbox=opens)
        run_local(wishes, _say, announced)
    except EngineError as error:
        return _refuse(_exit_of(error), str(error), as_json=as_json)
    return 0


def _usual_config() -> Path | None:
    named = os.environ.get("PLACET_CONFIG")
    if named:
        return Path(named)
    return CONFIG if CONFIG.is_file() else None


def _exit_of(error: EngineError) -> int:
    from placet.engine.errors import ChildFailed, SettingsError, TemporalMissing, TemporalUnreachable  # noqa: PLC0415

    if isinstance(error, ChildFailed):
        return error.code
    if isinstance(error, SettingsError):
        return _USAGE
    return _UNREACHABLE if isinstance(error, TemporalMissing | TemporalUnreachable) else _UNEXPECTED


def _refuse(code: int, sentence: str, *, as_json: bool) -> int:
    """Says why nothing runs, and returns the exit code."""
    if as_json:
        name = NOT_STARTED.get(code, "not_started")
        document = {"schema_version": SCHEMA_VERSION, "title": "Not done", "code": name, "detail": sentence}
        _print(json.dumps(document), sys.stdout)
    _say(sentence)
    return code


def _say(text: str) -> None:
    _print(text, sys.stderr)


def _print(text: str, stream: TextIO) -> None:
    try:
        print(text, file=stream, flush=True)
    except OSError:
        # The terminal is gone; what runs goes on, or is being stopped because of it.
        return
