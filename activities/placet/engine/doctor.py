"""`placet doctor`: what is there, what is missing, and how to get it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, cast

import httpx
import yaml
from sqlalchemy import URL, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client

from placet.engine import data_folder
from placet.engine.connection import connect
from placet.engine.errors import SearchAttributesError, TemporalUnreachable
from placet.engine.findings import Finding, State
from placet.engine.graphs_report import examine_graphs
from placet.engine.ledger_address import ledger_address
from placet.engine.machine import examine_machine
from placet.engine.plan import given_temporal
from placet.engine.policy_report import MODES, OFF
from placet.engine.reconciler_report import examine_reconciler
from placet.engine.search_attributes import missing_search_attributes
from placet.engine.settings import Settings

_START: Final = "Start it with `placet up`."
_LIMIT: Final = timedelta(seconds=10)
_RPC: Final = timedelta(seconds=5)


async def examine(environ: Mapping[str, str] = os.environ) -> list[Finding]:
    """Looks at everything and returns one finding a subject.

    Where a `placet up` runs on the data folder, its addresses are looked at; what the environment names wins.
    """
    settings = Settings.from_environment(environ)
    up = data_folder.runs_here(settings.data)
    if up:
        settings = _as_the_running_up(settings, environ)
    named = given_temporal(environ) is not None
    findings = list(await asyncio.to_thread(lambda: list(examine_machine(temporal_given=named))))
    findings += await _temporal(settings, expected=named or up)
    findings.append(await _ledger(settings))
    findings += await examine_graphs(settings)
    findings.append(await _gateway(settings, expected=up or bool(environ.get("PLACET_URL"))))
    findings.append(_configuration(settings))
    return findings


def _as_the_running_up(settings: Settings, environ: Mapping[str, str]) -> Settings:
    told = data_folder.told(settings.data)
    given = {name: environ[name] for name in ("PLACET_URL", "PLACET_CONFIG", "PLACET_LEDGER_URL") if environ.get(name)}
    told_settings = Settings.from_environment({**told, **given, "PLACET_DATA": str(settings.data)})
    if given_temporal(environ) is None:
        return told_settings
    return replace(told_settings, temporal=settings.temporal)


async def _temporal(settings: Settings, *, expected: bool) -> list[Finding]:
    where = f"{settings.temporal_address}, namespace {settings.namespace}"
    try:
        async with asyncio.timeout(_LIMIT.total_seconds()):
            client = await connect(settings)
            connected = await _connected(client, where)
            worker = await _worker(client, settings.task_queue)
            return [connected, worker, await examine_reconciler(client, settings.task_queue)]
    except (TemporalUnreachable, TimeoutError):
        state = State.UNREACHABLE if expected else State.IDLE
        nobody = Finding(subject="Temporal connection", state=state, found=f"nobody answers at {where}", remedy=_START)
        return [nobody, Finding(subject="worker", state=State.IDLE, found="unknown without Temporal")]


async def _connected(client: Client, where: str) -> Finding:
    subject = "Temporal connection"
    try:
        lacking = await missing_search_attributes(client)
    except SearchAttributesError as error:
        return Finding(subject=subject, state=State.MISSING, found=where, remedy=str(error))
    if lacking:
        found = f"{where}; without the search attributes {', '.join(lacking)}"
        return Finding(subject=subject, state=State.IDLE, found=found, remedy="The worker creates them when it starts.")
    return Finding(subject=subject, state=State.OK, found=where)


async def _worker(client: Client, queue: str) -> Finding:
    kinds = (TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY)
    pollers = [await _pollers(client, queue, kind) for kind in kinds]
    if all(pollers):
        return Finding(subject="worker", state=State.OK, found=f"{max(pollers)} polling the queue {queue}")
    found = f"none polls the queue {queue}: what is decided is stored, and runs stand still"
    return Finding(subject="worker", state=State.IDLE, found=found, remedy="Start one with `placet worker`.")


async def _pollers(client: Client, queue: str, kind: TaskQueueType.ValueType) -> int:
    request = DescribeTaskQueueRequest(
        namespace=client.namespace, task_queue=TaskQueue(name=queue), task_queue_type=kind
    )
    return len((await client.workflow_service.describe_task_queue(request, timeout=_RPC)).pollers)


async def _ledger(settings: Settings) -> Finding:
    subject = "ledger"
    url = ledger_address(settings.ledger_url)
    shown = url.render_as_string(hide_password=True)
    if url.get_backend_name() == "sqlite":
        return _sqlite(url, shown)
    try:
        await _reach(url)
    except ModuleNotFoundError as error:
        remedy = "Install Placet with its extra: pip install 'placet[postgres]'"
        return Finding(subject=subject, state=State.MISSING, found=f"{shown}: no {error.name}", remedy=remedy)
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        found = f"{shown}: {_first_line(error)}"
        return Finding(subject=subject, state=State.UNREACHABLE, found=found, remedy="See PLACET_LEDGER_URL.")
    return Finding(subject=subject, state=State.OK, found=shown)


def _sqlite(url: URL, shown: str) -> Finding:
    there = Path(url.database or "").is_file()
    found = shown if there else f"{shown}, not there yet"
    return Finding(subject="ledger", state=State.OK if there else State.IDLE, found=found)


async def _reach(url: URL) -> None:
    engine = create_async_engine(url)
    try:
        async with asyncio.timeout(_LIMIT.total_seconds()), engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
    finally:
        await engine.dispose()


async def _gateway(settings: Settings, *, expected: bool) -> Finding:
    subject = "gateway"
    async with httpx.AsyncClient(timeout=_RPC.total_seconds()) as client:
        try:
            ready = await client.get(f"{settings.url}/readyz")
        except httpx.HTTPError:
            state = State.UNREACHABLE if expected else State.IDLE
            return Finding(subject=subject, state=state, found=f"nobody answers at {settings.url}", remedy=_START)
    if ready.is_success:
        return Finding(subject=subject, state=State.OK, found=settings.url)
    return Finding(subject=subject, state=State.UNREACHABLE, found=f"{settings.url} is not ready: {ready.text[:300]}")


def _configuration(settings: Settings) -> Finding:
    """Looks only for what a person should be reminded of; the file is checked by whoever loads it."""
    subject = "configuration"
    path = settings.config
    if path is None:
        found = "PLACET_CONFIG names none: no agents, only approvals that are asked for over HTTP"
        return Finding(subject=subject, state=State.IDLE, found=found)
    try:
        read: object = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        return Finding(subject=subject, state=State.MISSING, found=f"{path}: {_first_line(error)}")
    policy: object = cast("dict[str, Any]", read).get("policy") if isinstance(read, dict) else None
    return Finding(subject=subject, state=State.OK, found="; ".join([str(path), *_reminders(policy)]))


def _reminders(policy: object) -> Iterator[str]:
    """Yields what a policy does that somebody may have switched on for a while and forgotten."""
    said = cast("dict[str, Any]", policy) if isinstance(policy, dict) else {}
    if said.get("enabled") is False:
        yield OFF
    for mode, meaning in MODES.items():
        if mode == said.get("mode") and mode != "default":
            yield f"policy.mode is {mode}: {meaning}"


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
