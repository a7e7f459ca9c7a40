"""What all of them share: an HTTP server that answers in order, keeps what it was sent and looks at it closely."""

from __future__ import annotations

import json
import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, cast

Json = dict[str, Any]


@dataclass(frozen=True)
class Call:
    """A call that the model makes.

    Attributes:
        arguments: As the model writes them, whatever that is.
    """

    name: str
    arguments: str = "{}"
    id: str | None = "call_1"


@dataclass(frozen=True)
class Answer:
    """What the model says in one turn.

    Attributes:
        thinks: Whether it reasons first.
        cut: Whether it stops in the middle.
    """

    text: str = ""
    calls: tuple[Call, ...] = ()
    thinks: bool = False
    cut: bool = False
    refusal: str | None = None


@dataclass
class Failure:
    """An answer that is an error."""

    status: int
    message: str = "no"
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass
class ModelServer(ABC):
    """A provider.

    Attributes:
        answers: What it says, one after the other.
        requests: The bodies that it was sent.
        refused: Why it answered 400, for each request that it did not like.
        hold: Set by the test to let it answer at all.
    """

    model: ClassVar[str]
    """How `placet.yaml` names a model of this provider."""

    url: str = ""
    answers: deque[Answer | Failure] = field(default_factory=deque[Answer | Failure])
    requests: list[Json] = field(default_factory=list[Json])
    refused: list[str] = field(default_factory=list[str])
    hold: threading.Event | None = None
    count: int = 0

    @abstractmethod
    def environment(self) -> dict[str, str]:
        """Returns the variables that lead the provider's client here."""

    @abstractmethod
    def problems(self, request: Json) -> list[str]:
        """Returns what the provider would refuse in a request."""

    @abstractmethod
    def body(self, answer: Answer) -> Json:
        """Returns an answer in the provider's words."""

    @abstractmethod
    def error(self, status: int, message: str) -> Json:
        """Returns an error in the provider's words."""

    def says(self, text: str = "", *calls: Call, **how: Any) -> None:
        """Puts an answer at the end of what it will say."""
        self.answers.append(Answer(text, calls, **how))

    def fails(self, status: int, message: str = "no", **headers: str) -> None:
        """Puts an error there."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers.append(Failure(status, message, given))

    def answer(self, request: Json) -> tuple[int, Json, Mapping[str, str]]:
        """Returns status, body and headers for a request."""
        self.requests.append(request)
        if self.hold is not None:
            self.hold.wait(30)
        found = self.problems(request)
        if found:
            self.refused += found
            return 400, self.error(400, "; ".join(found)), {}
        self.count += 1
        if not self.answers:
            return 400, self.error(400, "the test has no answer left"), {}
        answer = self.answers.popleft()
        if isinstance(answer, Failure):
            return answer.status, self.error(answer.status, answer.message), answer.headers
        return 200, self.body(answer), {}


@contextmanager
def serving(made: ModelServer) -> Generator[ModelServer]:
    """Serves on the loopback until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, answer, headers = made.answer(request)
            body = json.dumps(answer).encode()
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", "Content-Length": len(body), **headers}.items():
                self.send_header(name, str(value))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            del format, args

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        made.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield made
        finally:
            if made.hold is not None:
                made.hold.set()
            server.shutdown()
            thread.join()


def strangers(where: str, given: Mapping[str, Any], *known: str) -> list[str]:
    """Returns a complaint for each field that the provider does not know."""
    return [f"{where}.{name}: extra inputs are not permitted" for name in given if name not in known]


def is_object(text: object) -> bool:
    """Returns whether a text is an object of JSON."""
    try:
        return isinstance(text, str) and isinstance(json.loads(text, parse_constant=_refuse), dict)
    except ValueError:
        return False


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def parts(content: object) -> list[Any]:
    """Returns the parts of a content; none of a text."""
    return cast("list[Any]", content) if isinstance(content, list) else []


def kind_of(part: Any) -> str:
    """Returns the kind of a part; nothing where it is none."""
    return str(cast("Json", part).get("type", "")) if isinstance(part, dict) else ""
