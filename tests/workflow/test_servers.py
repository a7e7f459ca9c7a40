"""The servers that the other tests rely on do what their fixtures say."""

from __future__ import annotations

from datetime import timedelta

import psycopg
from temporalio import workflow
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from placet.engine.search_attributes import missing_search_attributes


@workflow.defn(sandboxed=False)
class Sleeper:
    @workflow.run
    async def run(self, days: int) -> str:
        await workflow.sleep(timedelta(days=days), summary="waits")
        return "woke up"


async def test_a_month_passes_in_no_time(time_skipping: WorkflowEnvironment, task_queue: str) -> None:
    async with Worker(time_skipping.client, task_queue=task_queue, workflows=[Sleeper], build_id="test"):
        slept = await time_skipping.client.execute_workflow(Sleeper.run, 30, id=task_queue, task_queue=task_queue)
    assert slept == "woke up"


async def test_another_test_of_the_same_server_skips_time_too(
    workflow_environment: WorkflowEnvironment, task_queue: str
) -> None:
    client = workflow_environment.client
    async with Worker(client, task_queue=task_queue, workflows=[Sleeper], build_id="test"):
        assert await client.execute_workflow(Sleeper.run, 0, id=task_queue, task_queue=task_queue) == "woke up"


async def test_the_real_server_has_the_search_attributes(temporal_client: Client) -> None:
    assert await missing_search_attributes(temporal_client) == []


async def test_a_workflow_runs_on_the_real_server(temporal_client: Client, task_queue: str) -> None:
    async with Worker(temporal_client, task_queue=task_queue, workflows=[Sleeper], build_id="test"):
        slept = await temporal_client.execute_workflow(Sleeper.run, 0, id=task_queue, task_queue=task_queue)
    assert slept == "woke up"


def test_the_postgres_database_is_empty(postgres_url: str) -> None:
    with psycopg.connect(postgres_url.replace("+psycopg", "")) as connection:
        rows = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
    assert rows == (0,)
