"""The same agent in LangGraph, with its savers: what it stores, and how long its steps are apart."""

from __future__ import annotations

import json
import os
import sqlite3
import uuid
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, cast

import psycopg
from bench_agent import BenchModel, step
from langchain.agents import create_agent  # pyright: ignore[reportUnknownVariableType] - LangChain's
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.checkpoint.sqlite import SqliteSaver
from stage import sqlite_bytes

from placet_testing.postgres import PostgresServer


def run(saver: BaseCheckpointSaver[Any], folder: Path, steps: int, size: int) -> str:
    """Runs the agent to its end and returns the name under which its tools noted their times."""
    name = uuid.uuid4().hex
    os.environ["BENCH_FOLDER"] = str(folder)
    told = json.dumps({"steps": steps, "size": size, "name": name})
    agent = cast("Any", create_agent)(BenchModel(), [step], checkpointer=saver)
    agent.invoke(
        {"messages": [{"role": "user", "content": told}]},
        {"configurable": {"thread_id": name}, "recursion_limit": 4 * steps + 25},
    )
    return name


@contextmanager
def on_sqlite(folder: Path) -> Generator[tuple[BaseCheckpointSaver[Any], Callable[[], int]]]:
    """Gives the saver of a new file, and how many bytes the file uses."""
    path = folder / f"{uuid.uuid4().hex}.langgraph.db"
    with closing(sqlite3.connect(path, check_same_thread=False)) as connection:
        saver = SqliteSaver(connection)
        saver.setup()
        yield saver, lambda: sqlite_bytes(path)


@contextmanager
def on_postgres(server: PostgresServer) -> Generator[tuple[BaseCheckpointSaver[Any], Callable[[], int]]]:
    """Gives the saver of a new database, and how many bytes its tables use."""
    with server.database() as url:
        plain = url.replace("+psycopg", "")
        with PostgresSaver.from_conn_string(plain) as saver:
            saver.setup()
            yield saver, lambda: postgres_bytes(plain)


def postgres_bytes(url: str) -> int:
    """Returns the bytes of every table with its indexes and long values."""
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        row = connection.execute(
            "SELECT sum(pg_total_relation_size(oid)) FROM pg_class"
            " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        ).fetchone()
    return int(row[0]) if row else 0
