"""A gateway in a thread that keeps approvals and runs in memory: for tests of what speaks to a gateway.

It answers as contract.md says, as far as clients can tell; the real one is tested in tests/gateway.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Self
from urllib.parse import parse_qs, unquote, urlsplit

from placet.cards.digest import digest_of_card
from placet.contracts.approvals import ENDED_BY, Approval
from placet.contracts.canonical import canonical_text, digest
from placet.contracts.errors import CODES, Code
from placet.contracts.questions import ASK_HUMAN, Question, numbered

Json = dict[str, Any]
Answer = tuple[int, Json | None]


@dataclass(frozen=True)
class Received:
    """One request as it came."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: Json


@dataclass
class FakeGateway:
    """A gateway whose people are whoever asks; start it with `with`.

    Attributes:
        received: Every request, in order.
        scripted: Answers to give instead, to the next decisions; None hangs up without one.
        steps: What happens in the world, a step at each look at a run or wait for an approval; while somebody listens
            to a run's events it happens there, and each look lets the next one happen.
        streams: What each connection to a stream of events gives before it breaks, in order: events, or a refusal.
            Behind them a stream of everything stays silent.
    """

    approvals: dict[str, Json] = field(default_factory=dict[str, Json])
    runs: dict[str, Json] = field(default_factory=dict[str, Json])
    received: list[Received] = field(default_factory=list[Received])
    scripted: list[Answer | None] = field(default_factory=list["Answer | None"])
    headers: dict[str, str] = field(default_factory=dict[str, str])
    steps: list[Callable[[], None]] = field(default_factory=list["Callable[[], None]"])
    streams: list[list[Json] | Answer] = field(default_factory=list["list[Json] | Answer"])
    listeners: int = 0
    looks: int = 0
    stopped: bool = False

    def __enter__(self) -> Self:
        gateway = self

        class Handler(_Handler):
            fake = gateway

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped = True
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def decisions(self) -> list[Received]:
        """The decisions that arrived."""
        return [one for one in self.received if one.path.endswith("/decision")]

    def asks(self, tool: str = "refund", args: Json | None = None, **more: object) -> Json:
        """Keeps a pending tool call and returns it."""
        given = {"order_id": "A-77", "amount": 50} if args is None else args
        return self._keep(
            {
                "kind": "tool_call",
                "tool": tool,
                "args": given,
                "digest": digest(tool, canonical_text(given)),
                "title": f"{tool} A-77",
                "allowed_decisions": ["approve", "edit", "reject", "respond"],
                **more,
            }
        )

    def questions(self, *questions: Json, **more: object) -> Json:
        """Keeps a pending question and returns it."""
        complete = numbered(tuple(Question.model_validate(one) for one in questions))
        dumped = [one.model_dump(mode="json", exclude_none=True) for one in complete]
        args: Json = {"questions": dumped}
        return self._keep(
            {
                "kind": "question",
                "tool": ASK_HUMAN,
                "args": args,
                "questions": dumped,
                "digest": digest(ASK_HUMAN, canonical_text(args)),
                "title": "A question",
                "allow_skip": True,
                "allowed_decisions": ["answer", "skip"],
                **more,
            }
        )

    def ends(self, approval_id: str, status: str, decision: Json | None = None, name: str = "Dana Ito") -> None:
        """Ends an approval as somebody else, or the clock, would."""
        approval = self.approvals[approval_id]
        if decision is not None:
            by = {"id": "user:dana", "name": name, "via": "web"}
            approval["decision"] = {"id": uuid.uuid4().hex, "by": by, "digest": approval["digest"], **decision}
        approval.update(status=status, ended_at=_stamp(datetime.now(UTC)))

    def has_run(self, status: str = "running", **more: object) -> Json:
        """Keeps a run and returns it."""
        run: Json = {
            "id": f"run-{uuid.uuid4()}",
            "agent": "billing",
            "thread_id": "t-1",
            "status": status,
            "requester": "user:local",
            "input": "refund order A-77",
            "started_at": _stamp(datetime.now(UTC)),
            "temporal": {"workflow_id": "run-1"},
            **more,
        }
        self.runs[run["id"]] = run
        return run

    def _keep(self, given: Json) -> Json:
        at = datetime.now(UTC)
        approval: Json = {
            "id": uuid.uuid4().hex,
            "status": "pending",
            "risk": "medium",
            "agent": "billing",
            "run_id": "run-1",
            "requester": "user:local",
            "approvers": ["role:approver"],
            "requested_at": _stamp(at),
            "expires_at": _stamp(at + timedelta(days=7)),
            "temporal": {"workflow_id": "approval-1"},
            **given,
        }
        self.approvals[approval["id"]] = approval
        return approval

    def answer(self, request: Received) -> Answer | None:  # noqa: PLR0911 - a line for each route
        """Returns status and body, or None to hang up."""
        if self.scripted and request.method == "POST":
            return self.scripted.pop(0)
        match request.path.removeprefix("/v1/").split("/"):
            case ["approvals"] if request.method == "POST":
                return 201, self.asks(**request.body)
            case ["approvals"]:
                return self._listed(self.approvals, request, default="pending")
            case ["runs"] if request.method == "GET":
                return self._listed(self.runs, request, default="any")
            case ["runs"]:
                return 201, self.has_run(agent=request.body["agent"], input=request.body["input"])
            case ["agents"]:
                return 200, {"items": [{"name": "billing", "tools": [{"name": "refund"}]}]}
            case ["runs", run_id, *rest]:
                return self._of_run(run_id, rest)
            case ["approvals", approval_id, *rest]:
                return self._of_approval(approval_id, rest, request)
            case _:
                return problem("not_found", "There is nothing here.")

    def _of_run(self, run_id: str, rest: list[str]) -> Answer:
        run = self.runs.get(run_id)
        if run is None:
            return problem("not_found", "There is no such run.")
        if rest == ["cancel"]:
            run["cancel_requested_at"] = _stamp(datetime.now(UTC))
            return 202, run
        self.looks += 1
        if not self.listeners:
            self._step()
        return 200, run

    def _of_approval(self, approval_id: str, rest: list[str], request: Received) -> Answer:
        approval = self.approvals.get(approval_id)
        if approval is None:
            return problem("not_found", "There is no such approval.")
        if rest == ["decision"]:
            return self._decide(approval, request)
        if rest == ["wait"]:
            self._step()
            until = time.monotonic() + float(request.query["timeout"][0])
            while approval["status"] == "pending" and time.monotonic() < until:
                time.sleep(0.02)
            return (204, None) if approval["status"] == "pending" else (200, approval)
        return 200, approval

    def tell(self, request: Received) -> Iterator[bytes] | Answer:
        """Returns what a stream of events sends, piece by piece."""
        if self.streams:
            given = self.streams.pop(0)
            return given if isinstance(given, tuple) else (_framed(event) for event in given)
        run = self.runs.get(request.path.removeprefix("/v1/runs/").removesuffix("/events"))
        return self._silence() if run is None else self._story(run)

    def _silence(self) -> Iterator[bytes]:
        while not self.stopped:
            yield b": heartbeat\n"
            time.sleep(0.1)

    def _story(self, run: Json) -> Iterator[bytes]:
        """Lets the world go on a step, tells of it, and waits for somebody to look."""
        number = 0
        self.listeners += 1
        try:
            while not self.stopped:
                number, looks = number + 1, self.looks
                self._step()
                ended = run["status"] in {"completed", "failed", "cancelled", "expired"}
                kind = f"run.{run['status']}" if ended else "turn.completed"
                yield _framed(event_of(number, kind, run_id=run["id"]))
                if ended:
                    return
                while looks == self.looks and not self.stopped:
                    time.sleep(0.01)
        finally:
            self.listeners -= 1

    def _step(self) -> None:
        if self.steps:
            self.steps.pop(0)()

    def _decide(self, approval: Json, request: Received) -> Answer:
        body = request.body
        if body["type"] not in approval["allowed_decisions"]:
            return problem("decision_not_allowed", "Not that.", allowed=approval["allowed_decisions"])
        if approval["status"] != "pending":
            codes: dict[str, Code] = {"expired": "expired", "cancelled": "cancelled", "superseded": "superseded"}
            return problem(codes.get(approval["status"], "already_decided"), "Too late.", approval=approval)
        if body["digest"] != approval["digest"]:
            return problem("stale_digest", "Another digest.", digest=approval["digest"], given=body["digest"])
        if body.get("args", {}).get("amount") == "much":
            return problem("invalid_args", "The schema.", errors=[{"pointer": "/amount", "message": "not a number"}])
        runs = digest(approval["tool"], canonical_text(body["args"])) if body.get("args") else approval["digest"]
        by = {"id": "user:local", "name": "Local", "via": request.headers.get("x-placet-client", "api")}
        kept = {name: body[name] for name in ("type", "message", "args", "answers") if name in body}
        approval["decision"] = {"id": uuid.uuid4().hex, "by": by, "digest": runs, **kept}
        approval.update(status=ENDED_BY[body["type"]], ended_at=_stamp(datetime.now(UTC)))
        return 200, approval

    def _listed(self, kept: Mapping[str, Json], request: Received, default: str) -> Answer:
        wanted = request.query.get("status", [default])
        items = [one for one in kept.values() if _fits(one["status"], wanted)]
        start, limit = int(request.query.get("cursor", ["0"])[0]), int(request.query.get("limit", ["50"])[0])
        following = str(start + limit) if start + limit < len(items) else None
        return 200, {"items": items[start : start + limit], "next_cursor": following}


def decided(asked: Json, kind: str, args: Json | None = None, **fields: object) -> Json:
    """Returns what is sent by somebody who had the approval's card before them, or that of their own arguments."""
    card = digest_of_card(Approval.model_validate(asked), args)
    sent: Json = {"type": kind, "digest": asked["digest"], "card_digest": card, **fields}
    return sent if args is None else {**sent, "args": args}


def problem(code: Code, detail: str, **named: object) -> Answer:
    """Returns the answer that refuses with a code."""
    meaning = CODES[code]
    body = {"type": f"urn:placet:error:{code}", "title": meaning.title, "status": meaning.status, "detail": detail}
    return meaning.status, {**body, "code": code, **named}


def event_of(number: int, kind: str, **more: object) -> Json:
    """Returns an event as a stream sends it."""
    return {"id": f"{number:016}", "type": kind, "at": "2026-11-22T12:00:00Z", "data": {}, **more}


def _framed(event: Json) -> bytes:
    return f"id: {event['id']}\nevent: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()


def _fits(status: str, wanted: list[str]) -> bool:
    return "any" in wanted or status in wanted or ("ended" in wanted and status != "pending")


def _stamp(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    fake: ClassVar[FakeGateway]

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        text = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        body: Json = json.loads(text) if text else {}
        received = Received(self.command, unquote(parts.path), parse_qs(parts.query), headers, body)
        self.fake.received.append(received)
        if received.path.endswith("/events"):
            self._stream(received)
            return
        answered = self.fake.answer(received)
        if answered is None:
            self.close_connection = True
            return
        self._answer(answered)

    def _answer(self, answered: Answer) -> None:
        status, found = answered
        content = b"" if found is None else json.dumps(found).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Content-Type", "application/problem+json" if status >= 400 else "application/json")
        for name, value in self.fake.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _stream(self, received: Received) -> None:
        told = self.fake.tell(received)
        self.close_connection = True
        if isinstance(told, tuple):
            self._answer(told)
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("X-Placet-Cursor", f"{0:016}")
        self.send_header("Connection", "close")
        self.end_headers()
        with suppress(OSError):
            for piece in told:
                self.wfile.write(piece)
                self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base
        """Says nothing: what was received is kept."""
