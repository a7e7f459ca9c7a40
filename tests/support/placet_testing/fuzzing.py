"""Schemathesis over the OpenAPI document of a deployment: chains of requests by several people, each answer checked.

Schemathesis says what is sent, valid and invalid, and checks each answer against the document. On top of that each
step looks into the ledger: what is refused must have changed nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final, cast

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis.errors import Flaky
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import FailureGroup
from schemathesis.generation.modes import GenerationMode
from schemathesis.openapi.checks import EnsureResourceAvailability

from placet.api.auth.sessions import credential_of
from placet_testing.deployment import Deployment, Json
from placet_testing.gateway import QUESTION, REFUND, key_of, mark_of
from placet_testing.ledger_tail import LedgerTail
from placet_testing.processes import CROWD
from placet_testing.running_up import until

PEOPLE: Final = ("root", "root", "root", "max", "max", "dana", "eve", "bot", "both", "audra", "nobody")
"""Who sends: those who may do more come more often."""
STREAM_SECONDS: Final = 0.3
WAIT_SECONDS: Final = 0.2
LONGEST_ANSWER: Final = 30.0
LONGEST_CONSEQUENCE: Final = 30.0
ACCEPTED: Final = frozenset({200, 202})
SCRIPT: Final = json.dumps([[{"tool": "send", "args": {"text": "fuzzed"}}, {"tool": "note", "args": {"text": "n"}}]])
DECISIONS: Final[dict[str, Json]] = {
    "approve": {},
    "reject": {"message": "not now"},
    "edit": {"args": {"amount": 10}},
    "respond": {"message": "there is no need"},
    "answer": {"answers": {"q1": {"options": ["o1"]}, "q2": {"text": "because"}}},
    "skip": {},
}
"""What each type of decision needs beside the digest."""
SEE_ALL: Final = frozenset({"root", "audra", "both"})
EVENT: Final[Json] = {
    "type": "object",
    "properties": {"id": {"type": "string"}, "event": {"type": "string"}, "data": {"type": "string"}},
    "required": ["id", "event", "data"],
}
"""One event of a stream, as Schemathesis reads it; the document speaks of the text of the whole stream."""
REFUSED: Final = "approval.refused"
SAME_ID: Final = {"approval_id": "$response.body#/id"}
SAME_RUN: Final = {"run_id": "$response.body#/id"}
CHECKS: Final[Json] = {
    # Some rules are no JSON Schema's: `422` is an answer to what looks valid, and `413` and `409` to what does not.
    "positive_data_acceptance": {"expected-statuses": ["2XX", 401, 403, 404, 409, 422, 413]},
    "negative_data_rejection": {"expected-statuses": [400, 401, 403, 404, 405, 409, 413, 422]},
    "max_response_time": 12.0,
}


def _key_id(user: str) -> str:
    return credential_of(mark_of(user).removeprefix("sha256:"))


_KEYS_OF_SENDERS: Final = frozenset(map(_key_id, PEOPLE))


@dataclass
class Findings:
    """What a run of the machine found.

    Attributes:
        sent: How many requests it sent.
        answered: How often each status was answered.
        wrong: Each kind of mistake once, with the first request that showed it.
    """

    sent: int = 0
    answered: dict[str, int] = field(default_factory=dict[str, int])
    wrong: dict[str, str] = field(default_factory=dict[str, str])

    def answer(self, label: str, status: int) -> None:
        """Counts one answer."""
        self.sent += 1
        name = f"{label} {status}"
        self.answered[name] = self.answered.get(name, 0) + 1

    def mistake(self, kind: str, shown: str) -> None:
        """Keeps the first of each kind."""
        self.wrong.setdefault(kind, shown[:4_000])


def fuzz(deployment: Deployment, *, requests_wanted: int, seed: int) -> Findings:
    """Sends so many requests, chained as the links of the document say, and returns what was wrong."""
    tail = LedgerTail(deployment.ledger_file)
    document = linked(deployment.client("root").get("/openapi.json").json())
    schema = _schema(document, deployment.gateways[0].url)
    try:
        with requests.Session() as session:
            session.trust_env = False
            watch = Watch(tail, session, Random(seed))  # noqa: S311 - nothing here is a secret
            while (left := requests_wanted - watch.findings.sent) > 0:
                # What a gateway answers depends on what was done before, which Hypothesis takes for flaky: the
                # findings are kept, and chance begins anew.
                with suppress(Flaky):
                    _machine(schema.as_state_machine(), watch).run(settings=_settings(min(40, max(4, left // 8))))
            return watch.findings
    finally:
        tail.close()


def _schema(document: Json, base_url: str) -> Any:
    told: Json = {
        "base-url": base_url,
        "checks": CHECKS,
        "max-stream-events": 5,
        # Who sends is said below; a made-up key would be one more 401.
        "generation": {"with-security-parameters": False},
    }
    config: Any = SchemathesisConfig
    return schemathesis.openapi.from_dict(document, config=config.from_dict(told))


def _settings(examples: int) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=12,
        phases=[Phase.generate],
        deadline=None,
        database=None,
        suppress_health_check=[*HealthCheck],  # pyright: ignore[reportArgumentType]
    )


def linked(document: Json) -> Json:
    """Returns the document with the links that people follow from what they asked for or started."""
    paths = document["paths"]

    def lead(source: str, method: str, status: str, target: str, **what: Any) -> None:
        verb, _, path = target.partition(" ")
        links = paths[source][method]["responses"][status].setdefault("links", {})
        links[f"then {target}"] = {"operationId": paths[path][verb.lower()]["operationId"], **what}

    one = "/v1/approvals/{approval_id}"
    decide = {"parameters": SAME_ID, "requestBody": {"digest": "$response.body#/digest"}}
    for source, method, status in (("/v1/approvals", "post", "201"), (one, "get", "200")):
        for target in (f"GET {one}", f"GET {one}/wait", f"POST {one}/cancel"):
            lead(source, method, status, target, parameters=SAME_ID)
        lead(source, method, status, f"POST {one}/decision", **decide)
    listed = {
        "parameters": {"approval_id": "$response.body#/items/0/id"},
        "requestBody": {"digest": "$response.body#/items/0/digest"},
    }
    lead("/v1/approvals", "get", "200", f"POST {one}/decision", **listed)
    lead("/v1/agents", "get", "200", "POST /v1/runs", requestBody={"agent": "$response.body#/items/0/name"})
    run = "/v1/runs/{run_id}"
    for target in (f"GET {run}", f"GET {run}/messages", f"GET {run}/events", f"POST {run}/cancel"):
        lead("/v1/runs", "post", "201", target, parameters=SAME_RUN)
        if target != f"GET {run}":
            lead(run, "get", "200", target, parameters=SAME_RUN)
    of_run = {
        "parameters": {"approval_id": "$response.body#/pending/0/id"},
        "requestBody": {"digest": "$response.body#/pending/0/digest"},
    }
    lead(run, "get", "200", f"POST {one}/decision", **of_run)
    listed_first = {name: f"$response.body#/items/0/{name}" for name in ("id", "digest")}
    item = {"approval_id": listed_first["id"], "digest": listed_first["digest"], "type": "reject"}
    lead("/v1/approvals", "get", "200", "POST /v1/decisions", requestBody={"decisions": [item]})
    for path in ("/v1/events", f"{run}/events"):
        paths[path]["get"]["responses"]["200"]["content"]["text/event-stream"]["schema"] = EVENT
    return document


@dataclass
class Watch:
    """Steers each request, and looks at what became of it.

    Attributes:
        tail: Of the ledger.
        session: The connections to the gateway.
        random: Says who sends, and which bodies are made to make sense.
        findings: What was seen.
    """

    tail: LedgerTail
    session: requests.Session
    random: Random
    findings: Findings = field(default_factory=Findings)
    user: str = ""
    _event: int = 0
    _row: object = None

    def begin(self, case: Any) -> None:
        """Chooses who sends, and remembers how everything stands."""
        self._steer(case)
        self.user = self.random.choice(PEOPLE)
        self._event = self.tail.end()
        self._row = self._row_of(case)

    def sending(self, case: Any) -> Json:
        """Returns how to send it."""
        return {
            "headers": {"Authorization": f"Bearer {key_of(self.user)}"},
            "timeout": STREAM_SECONDS if case.path.endswith("/events") else LONGEST_ANSWER,
            "session": self.session,
        }

    def end(self, case: Any, answer: Any, check: Callable[[], None]) -> None:
        """Checks the answer, and that a refusal has changed nothing."""
        label, status = case.operation.label, answer.status_code
        self.findings.answer(label, status)
        shown = f"{self.user}: {case.as_curl_command()}\n{status} {answer.text[:1_500]}"
        if 400 <= status < 500:
            for change in self._changes(case):
                self.findings.mistake(f"{label} {status}: {change}", shown)
        try:
            check()
        except FailureGroup as group:
            for failure in group.exceptions:
                # Who made it is not who looks for it now: only those who see everything must find it.
                if not isinstance(failure, EnsureResourceAvailability) or self.user in SEE_ALL:
                    self.findings.mistake(f"{label} {status}: {type(failure).__name__}", f"{failure}\n{shown}")
        if status in ACCEPTED and not self._consequences(case, answer):
            self.findings.mistake(f"{label} {status}: nothing came of it", shown)

    def _consequences(self, case: Any, answer: Any) -> bool:
        """Waits for what must come of what was accepted, so that it is not taken for the work of the next request."""
        given: Json = case.path_parameters or {}
        named = list(given.values())
        if case.path == "/v1/decisions":
            named = [item["approval_id"] for item in answer.json()["results"] if item["status"] in ACCEPTED]
        elif not case.path.endswith(("/decision", "/cancel")):
            return True
        try:
            until(lambda: all(map(self.tail.has_ended, named)), LONGEST_CONSEQUENCE)
        except TimeoutError:
            return False
        return True

    def _steer(self, case: Any) -> None:
        """Makes sense of most bodies, which chance alone would not."""
        if case.path.endswith("/wait") and isinstance(case.query, dict):
            query = cast("Json", case.query)
            query["timeout"] = _shorter(query.get("timeout"))
        if case.path.endswith("/revoke"):
            self._spare_the_senders(case)
        valid = case.meta is None or case.meta.generation.mode == GenerationMode.POSITIVE
        if not valid or not isinstance(case.body, dict) or self.random.random() < 0.3:
            return
        body = cast("Json", case.body)
        if case.path == "/v1/runs":
            body |= {"agent": "desk", "input": SCRIPT}
        elif case.path.endswith("/decision"):
            kind = self.random.choice(list(DECISIONS))
            case.body = {"type": kind, "digest": body.get("digest", ""), **DECISIONS[kind]}
        elif case.path == "/v1/approvals":
            case.body = dict(self.random.choice([REFUND, REFUND, QUESTION]))

    def _spare_the_senders(self, case: Any) -> None:
        """Has other people's keys revoked: whose key is gone gets no further than the door for the rest of the time."""
        given: Json = case.path_parameters
        if given.get("key_id") in _KEYS_OF_SENDERS:
            given["key_id"] = _key_id(self.random.choice(CROWD))

    def _row_of(self, case: Any) -> object:
        named: Json = case.path_parameters or {}
        if "approval_id" in named:
            return self.tail.approval(str(named["approval_id"]))
        return self.tail.run(str(named["run_id"])) if "run_id" in named else None

    def _changes(self, case: Any) -> list[str]:
        """Returns what the sender's request has changed; what goes on by itself meanwhile is nobody's doing."""
        since = self.tail.since(self._event)
        theirs = [event for event in since if event.actor == f"user:{self.user}" and event.type != REFUSED]
        found = [f"wrote {event.type}" for event in theirs]
        named: Json = case.path_parameters or {}
        by_itself = any({event.approval_id, event.run_id} & set(named.values()) for event in since)
        if self._row != self._row_of(case) and not by_itself:
            found.append("changed the row")
        return found


def _machine(base: Any, watch: Watch) -> Any:
    """Returns the machine of the links, with somebody who sends and somebody who watches."""

    class Machine(base):
        def before_call(self, case: Any) -> None:
            watch.begin(case)

        def get_call_kwargs(self, case: Any) -> Json:
            return watch.sending(case)

        def validate_response(self, response: Any, case: Any, additional_checks: Any = None, **kwargs: Any) -> None:
            checked: Any = super().validate_response  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]

            def check() -> None:
                checked(response, case, additional_checks, **kwargs)

            watch.end(case, response, check)

    return Machine


def _shorter(timeout: object) -> object:
    try:
        return WAIT_SECONDS if timeout is None else min(float(str(timeout)), WAIT_SECONDS)
    except ValueError:
        return timeout
