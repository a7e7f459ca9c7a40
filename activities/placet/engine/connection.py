"""The one place that connects to Temporal: address, namespace, data converter."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from google.protobuf.duration_pb2 import Duration
from temporalio.api.common.v1 import Payload
from temporalio.api.namespace.v1 import NamespaceConfig
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import (
    DescribeNamespaceRequest,
    DescribeTaskQueueRequest,
    RegisterNamespaceRequest,
    UpdateNamespaceRequest,
)
from temporalio.client import Client, Interceptor
from temporalio.contrib.pydantic import (
    PydanticJSONPlainPayloadConverter,
    PydanticPayloadConverter,
    pydantic_data_converter,
)
from temporalio.converter import CompositePayloadConverter, DataConverter, PayloadCodec
from temporalio.runtime import Runtime
from temporalio.service import RPCError, RPCStatusCode

from placet.contracts._base import Inside
from placet.engine.errors import TemporalUnreachable
from placet.engine.settings import Settings

RETENTION: Final = timedelta(days=30)
"""How long a local server keeps what has ended: an operator looks at last month's runs."""
AT_ONCE: Final = timedelta(0)
_RPC: Final = timedelta(seconds=5)
_PAUSE: Final = 0.25


def data_converter(codec: PayloadCodec | None = None) -> DataConverter:
    """Returns the converter of every client and worker: pydantic models as `json/plain`.

    Args:
        codec: What encrypts or compresses payloads on their way to Temporal and back.
    """
    return dataclasses.replace(pydantic_data_converter, payload_converter_class=_Payloads, payload_codec=codec)


class _Json(PydanticJSONPlainPayloadConverter):
    """JSON of pydantic models; what stays among our own has no nulls, which history would keep for good."""

    def to_payload(self, value: Any) -> Payload | None:  # noqa: ANN401 - as Temporal calls it
        """Returns a value as Temporal keeps it."""
        if not isinstance(value, Inside):
            return super().to_payload(value)
        data = value.model_dump_json(exclude_none=True).encode()
        return Payload(metadata={"encoding": self.encoding.encode()}, data=data)


class _Payloads(CompositePayloadConverter):
    """Temporal's own converters of payloads, with our JSON in place of theirs."""

    def __init__(self) -> None:
        theirs = PydanticPayloadConverter().converters.values()
        super().__init__(*(_Json() if isinstance(one, PydanticJSONPlainPayloadConverter) else one for one in theirs))


async def connect(
    settings: Settings,
    *,
    patience: timedelta = AT_ONCE,
    codec: PayloadCodec | None = None,
    interceptors: Sequence[Interceptor] = (),
    runtime: Runtime | None = None,
) -> Client:
    """Returns a client of the settings' Temporal whose namespace can be used.

    Args:
        settings: Where Temporal is, and the namespace.
        patience: How long to try again while Temporal or the namespace is not there yet: processes are started
            beside Temporal, not after it.
        codec: See `data_converter`.
        interceptors: What stands around the client's calls; those for workers too serve its workers.
        runtime: The SDK's own, where it shall show its metrics.

    Raises:
        TemporalUnreachable: Still nothing when the patience is over.
    """
    give_up = time.monotonic() + patience.total_seconds()
    while True:
        try:
            client = await open_client(settings, codec=codec, interceptors=interceptors, runtime=runtime)
            await _use(client, settings.task_queue)
        except (RPCError, RuntimeError) as error:
            if not _may_pass(error) or time.monotonic() >= give_up:
                raise TemporalUnreachable(settings.temporal_address, settings.namespace, str(error)) from error
        else:
            return client
        await asyncio.sleep(_PAUSE)


async def open_client(
    settings: Settings,
    *,
    lazy: bool = False,
    codec: PayloadCodec | None = None,
    interceptors: Sequence[Interceptor] = (),
    runtime: Runtime | None = None,
) -> Client:
    """Returns a client without asking for the namespace; a lazy one connects at its first call."""
    profile = settings.temporal.to_client_connect_config()
    return await Client.connect(
        settings.temporal_address,
        namespace=settings.namespace,
        api_key=profile.get("api_key"),
        tls=profile.get("tls"),
        rpc_metadata=profile.get("rpc_metadata", {}),
        data_converter=data_converter(codec),
        lazy=lazy,
        interceptors=interceptors,
        runtime=runtime,
    )


async def ensure_namespace(client: Client, retention: timedelta = RETENTION) -> None:
    """Registers the client's namespace on a server of our own, or lengthens its retention to ours."""
    length = Duration()
    length.FromTimedelta(retention)
    service = client.workflow_service
    try:
        found = await service.describe_namespace(DescribeNamespaceRequest(namespace=client.namespace), retry=True)
    except RPCError as error:
        if error.status != RPCStatusCode.NOT_FOUND:
            raise
        request = RegisterNamespaceRequest(namespace=client.namespace, workflow_execution_retention_period=length)
        await service.register_namespace(request, retry=True)
        return
    kept = found.config.workflow_execution_retention_ttl
    if kept.ToTimedelta() < retention:
        config = NamespaceConfig(workflow_execution_retention_ttl=length)
        await service.update_namespace(UpdateNamespaceRequest(namespace=client.namespace, config=config), retry=True)


async def _use(client: Client, task_queue: str) -> None:
    # For a second or two after a namespace was registered it can be described, but not yet be used.
    request = DescribeTaskQueueRequest(namespace=client.namespace, task_queue=TaskQueue(name=task_queue))
    await client.workflow_service.describe_task_queue(request, timeout=_RPC)


def _may_pass(error: RPCError | RuntimeError) -> bool:
    # A client that cannot connect raises a bare RuntimeError, whatever the cause.
    if not isinstance(error, RPCError):
        return True
    lasting = {RPCStatusCode.UNAUTHENTICATED, RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.INVALID_ARGUMENT}
    return error.status not in lasting
