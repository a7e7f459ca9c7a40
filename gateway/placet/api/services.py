"""What the endpoints work with, made once and handed to them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from starlette.requests import Request

from placet.api.approvals.asking import Asking
from placet.api.approvals.withdrawing import Withdrawing
from placet.api.auth.assembly import auth_of
from placet.api.decisions.batch import Batch
from placet.api.decisions.deciding import Deciding
from placet.api.decisions.delivery import Clock, Delivery, Limits, utc_now
from placet.api.feed.feed import Feed
from placet.api.health.readiness import Sightings
from placet.api.links import Links
from placet.api.lookup import Lookup
from placet.api.metrics.counting import GatewayMetrics
from placet.api.policy import ConfiguredPolicy
from placet.api.runs.starting import Starting
from placet.api.temporal import TemporalAdapter
from placet.ledger import Ledger
from placet.telemetry import LedgerMetrics, Names

if TYPE_CHECKING:
    from placet.api.auth.assembly import Auth
    from placet.api.auth.directory import Directory
    from placet.api.policy import EditPolicy
    from placet.api.ports import Temporal
    from placet.contracts.config import Config
    from placet.engine.settings import Settings
    from placet.telemetry import Tracing


@dataclass(frozen=True)
class Services:
    """Everything that an endpoint may need.

    Attributes:
        auth: Who may come in, and how.
        metrics: What is counted, and `waiting`, what the ledger says of what waits.
        tracing: Where spans go; None where nobody wants them.
        sightings: Which workers live, by their polls.
        stopping: Set when the process is asked to stop: who waits is answered at once.
    """

    settings: Settings
    config: Config
    auth: Auth
    ledger: Ledger
    temporal: Temporal
    clock: Clock
    links: Links
    lookup: Lookup
    deciding: Deciding
    batch: Batch
    asking: Asking
    withdrawing: Withdrawing
    starting: Starting
    feed: Feed
    metrics: GatewayMetrics
    waiting: LedgerMetrics
    tracing: Tracing | None
    sightings: Sightings
    stopping: asyncio.Event

    @property
    def directory(self) -> Directory:
        """Who sent a request."""
        return self.auth.directory


async def services_of(request: Request) -> Services:
    """Returns the services of the app that got the request."""
    return cast("Services", request.app.state.services)


def assemble(  # noqa: PLR0913 - as `create_app`, which hands them on
    settings: Settings,
    config: Config,
    *,
    ledger: Ledger | None = None,
    temporal: Temporal | None = None,
    clock: Clock | None = None,
    limits: Limits | None = None,
    policy: EditPolicy | None = None,
    tracing: Tracing | None = None,
) -> Services:
    """Returns the services, put together; nothing is opened yet."""
    now = clock or utc_now
    records = ledger or Ledger.at(settings.ledger_url)
    metrics = GatewayMetrics()
    waiting = LedgerMetrics(records, Names(config.agents), now)
    metrics.registry.register(waiting)
    port = temporal or TemporalAdapter(settings, metrics.temporal_failed, tracing.clients if tracing else ())
    auth = auth_of(settings, config, records, now)
    links = Links(settings.temporal_ui, settings.namespace)
    lookup = Lookup(records, port, now, links)
    stopping = asyncio.Event()
    delivery = Delivery(limits or Limits(), now)
    deciding = Deciding(
        approvals=port,
        delivery=delivery,
        policy=policy or ConfiguredPolicy(config),
        clock=now,
        lookup=lookup,
        local=auth.directory.local,
        metrics=metrics,
        limiter=auth.decisions,
    )
    feed = Feed(records, stopping, admission=auth.admission)
    metrics.count_streams(lambda: feed.streams)
    return Services(
        settings=settings,
        config=config,
        auth=auth,
        ledger=records,
        temporal=port,
        clock=now,
        links=links,
        lookup=lookup,
        deciding=deciding,
        batch=Batch(deciding, now),
        asking=Asking(records, port, lookup, config.defaults),
        withdrawing=Withdrawing(port, delivery, lookup),
        starting=Starting(records, port, config, now),
        feed=feed,
        metrics=metrics,
        waiting=waiting,
        tracing=tracing,
        sightings=Sightings(),
        stopping=stopping,
    )
