"""The settings: one frozen class, read once where a process begins, and handed on.

Temporal's own standard environment (`TEMPORAL_ADDRESS`, `TEMPORAL_NAMESPACE`, `TEMPORAL_API_KEY`, `TEMPORAL_TLS…`,
`TEMPORAL_PROFILE`, `TEMPORAL_CONFIG_FILE`) and its profile file are read as every Temporal client reads them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Final, Literal, NamedTuple, Self, cast, get_args
from urllib.parse import urlsplit

from temporalio.envconfig import ClientConfigProfile

from placet.contracts.decisions import LONGEST_LIST
from placet.contracts.durations import parse_duration
from placet.engine.errors import SettingsError

TASK_QUEUE: Final = "placet"
GATEWAY_PORT: Final = 7117
TEMPORAL_ADDRESS: Final = "127.0.0.1:7233"
NAMESPACE: Final = "default"
DATA: Final = Path(".placet")
_PORTS: Final = range(1, 65_536)

GatewayMetrics = Literal["keyed", "public", "off"]
"""Who may read the gateway's metrics."""


class Address(NamedTuple):
    """Where a process listens."""

    host: str
    port: int

    def __str__(self) -> str:
        """Returns it as it is written in a setting."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that a process of Placet is told from outside.

    Attributes:
        data: The folder of everything that `placet up` keeps on this machine (`PLACET_DATA`).
        config: The agents and the policy, a `placet.yaml` (`PLACET_CONFIG`).
        ledger_url: The ledger's database (`PLACET_LEDGER_URL`): a path of SQLite, or a SQLAlchemy URL of SQLite or
            PostgreSQL; by default a SQLite file in `data`.
        url: Where the gateway is reached (`PLACET_URL`).
        api_key: Who asks, for clients of the gateway (`PLACET_API_KEY`).
        task_queue: The queue that workers poll (`PLACET_TASK_QUEUE`).
        temporal: Temporal's standard environment and profile.
        temporal_ui: The base of links into the Temporal UI (`PLACET_TEMPORAL_UI_URL`); None where there is none.
        shutdown_grace: How long started tools may go on after SIGTERM (`PLACET_SHUTDOWN_GRACE`, as `5m`).
        metrics: Where a worker shows its metrics, host and port (`PLACET_METRICS`, as `127.0.0.1:9464`).
        temporal_metrics: Where a worker shows those of Temporal's SDK (`PLACET_TEMPORAL_METRICS`, as `127.0.0.1:9465`).
        gateway_metrics: Who may read the gateway's `/metrics` (`PLACET_GATEWAY_METRICS`): `keyed`, auditors and
            admins; `public`, everybody; `off`, nobody.
        public_url: Where browsers reach the gateway (`PLACET_PUBLIC_URL`, as `https://placet.example`); without it the
            address that a request names.
        allowed_hosts: The names that the gateway answers to (`PLACET_ALLOWED_HOSTS`, as `placet.example,placet`); by
            default that of the public URL, or any where there is none; this machine's own always.
        trusted_proxies: The networks whose `X-Forwarded-…` count (`PLACET_TRUSTED_PROXIES`, as `10.0.0.0/8,::1`).
        cors_origins: The other sites whose scripts may use the API with a key (`PLACET_CORS_ORIGINS`, as
            `https://console.example`), with commas between.
        session_idle: After how long without use a browser's session ends (`PLACET_SESSION_IDLE`, as `8h`).
        session_length: After how long it ends in any case (`PLACET_SESSION_LENGTH`, as `24h`).
        decisions_per_minute: How many decisions one person may send a minute (`PLACET_DECISIONS_PER_MINUTE`); as many
            as one list may hold at least.
        keep_addresses: Whether the record of a decision keeps the network address that it came from
            (`PLACET_KEEP_ADDRESSES`, as `true`); it is personal data.
    """

    data: Path = DATA
    config: Path | None = None
    ledger_url: str = ""
    url: str = f"http://127.0.0.1:{GATEWAY_PORT}"
    api_key: str | None = field(default=None, repr=False)
    task_queue: str = TASK_QUEUE
    temporal: ClientConfigProfile = field(default_factory=ClientConfigProfile, repr=False)
    temporal_ui: str | None = None
    shutdown_grace: timedelta = timedelta(minutes=5)
    metrics: Address | None = None
    temporal_metrics: Address | None = None
    gateway_metrics: GatewayMetrics = "keyed"
    public_url: str | None = None
    allowed_hosts: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    cors_origins: tuple[str, ...] = ()
    session_idle: timedelta = timedelta(hours=8)
    session_length: timedelta = timedelta(hours=24)
    decisions_per_minute: int = 1_000
    keep_addresses: bool = False

    def __post_init__(self) -> None:
        """Fills in the ledger, whose default lies in the data folder."""
        if not self.ledger_url:
            object.__setattr__(self, "ledger_url", sqlite_url(self.data / "ledger.db"))

    @property
    def temporal_address(self) -> str:
        """Host and port of Temporal's frontend."""
        return self.temporal.address or TEMPORAL_ADDRESS

    @property
    def namespace(self) -> str:
        """The Temporal namespace."""
        return self.temporal.namespace or NAMESPACE

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Reads the environment; an empty variable counts as absent.

        Raises:
            SettingsError: A variable has a value that cannot be understood.
        """
        given = {name: value for name, value in environ.items() if value}
        config = given.get("PLACET_CONFIG")
        return cls(
            data=Path(given.get("PLACET_DATA", DATA)),
            config=Path(config) if config else None,
            ledger_url=_ledger(given),
            url=given.get("PLACET_URL", cls.url).rstrip("/"),
            api_key=given.get("PLACET_API_KEY"),
            task_queue=given.get("PLACET_TASK_QUEUE", cls.task_queue),
            temporal=_profile(given),
            temporal_ui=_without_slash(given.get("PLACET_TEMPORAL_UI_URL")),
            shutdown_grace=_duration(given, "PLACET_SHUTDOWN_GRACE", cls.shutdown_grace),
            metrics=_address(given, "PLACET_METRICS"),
            temporal_metrics=_address(given, "PLACET_TEMPORAL_METRICS"),
            gateway_metrics=_readers(given, "PLACET_GATEWAY_METRICS", cls.gateway_metrics),
            public_url=_origin(given, "PLACET_PUBLIC_URL"),
            allowed_hosts=_listed(given, "PLACET_ALLOWED_HOSTS"),
            trusted_proxies=_networks(given, "PLACET_TRUSTED_PROXIES"),
            cors_origins=_origins(given, "PLACET_CORS_ORIGINS"),
            session_idle=_duration(given, "PLACET_SESSION_IDLE", cls.session_idle),
            session_length=_duration(given, "PLACET_SESSION_LENGTH", cls.session_length),
            decisions_per_minute=_count(
                given, "PLACET_DECISIONS_PER_MINUTE", cls.decisions_per_minute, least=LONGEST_LIST
            ),
            keep_addresses=_yes(given, "PLACET_KEEP_ADDRESSES", default=cls.keep_addresses),
        )


def sqlite_url(path: Path) -> str:
    """Returns the SQLAlchemy URL of a SQLite file."""
    return f"sqlite+aiosqlite:///{path}"


def _ledger(given: Mapping[str, str]) -> str:
    name = "PLACET_LEDGER_URL"
    text = given.get(name, "")
    if text:
        # Loading SQLAlchemy takes as long as all else here; who names no database may not need it.
        from placet.engine.ledger_address import ledger_address  # noqa: PLC0415

        try:
            ledger_address(text)
        except ValueError as error:
            raise SettingsError(name, "…", str(error)) from error
    return text


def _without_slash(url: str | None) -> str | None:
    return url.rstrip("/") if url else None


def _profile(given: Mapping[str, str]) -> ClientConfigProfile:
    try:
        return ClientConfigProfile.load(override_env_vars=dict(given))
    except RuntimeError as error:
        name = "TEMPORAL_PROFILE" if "TEMPORAL_PROFILE" in given else "TEMPORAL_CONFIG_FILE"
        raise SettingsError(name, given.get(name, ""), str(error)) from error


def _duration(given: Mapping[str, str], name: str, default: timedelta) -> timedelta:
    text = given.get(name)
    if text is None:
        return default
    try:
        length = parse_duration(text)
    except ValueError as error:
        raise SettingsError(name, text, str(error)) from error
    if length is None:
        raise SettingsError(name, text, "a length is needed")
    return length


def _address(given: Mapping[str, str], name: str) -> Address | None:
    text = given.get(name)
    if text is None:
        return None
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) not in _PORTS:
        raise SettingsError(name, text, "host and port are needed, as 127.0.0.1:9464")
    return Address(host.removeprefix("[").removesuffix("]"), int(port))


def _readers(given: Mapping[str, str], name: str, default: GatewayMetrics) -> GatewayMetrics:
    text = given.get(name, default)
    if text not in get_args(GatewayMetrics):
        raise SettingsError(name, text, f"one of {', '.join(get_args(GatewayMetrics))} is needed")
    return cast("GatewayMetrics", text)


def _listed(given: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in given.get(name, "").split(",") if part.strip())


def _origin(given: Mapping[str, str], name: str) -> str | None:
    text = _without_slash(given.get(name))
    if text is not None:
        _check_origin(name, text)
    return text


def _origins(given: Mapping[str, str], name: str) -> tuple[str, ...]:
    origins = _listed(given, name)
    for origin in origins:
        _check_origin(name, origin)
    return origins


def _check_origin(name: str, text: str) -> None:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.netloc or text != f"{parts.scheme}://{parts.netloc}":
        raise SettingsError(name, text, "scheme and host are needed and nothing else, as https://placet.example")


def _networks(given: Mapping[str, str], name: str) -> tuple[str, ...]:
    networks = _listed(given, name)
    for network in networks:
        try:
            ip_network(network)
        except ValueError as error:
            raise SettingsError(name, network, str(error)) from error
    return networks


def _yes(given: Mapping[str, str], name: str, *, default: bool) -> bool:
    text = given.get(name)
    if text is None:
        return default
    if text not in {"true", "false"}:
        raise SettingsError(name, text, "true or false is needed")
    return text == "true"


def _count(given: Mapping[str, str], name: str, default: int, least: int = 1) -> int:
    text = given.get(name)
    if text is None:
        return default
    if not text.isdecimal() or int(text) < least:
        raise SettingsError(name, text, f"a number from {least} on is needed")
    return int(text)
