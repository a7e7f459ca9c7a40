"""A decision's body: its fingerprint tells a repeat from another use of the same key; a seal tells who sent it."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from placet.contracts.canonical import MalformedJsonError, canonical_text, fingerprint
from placet.contracts.decisions import (
    DecideInput,
    Decision,
    DecisionBody,
    Person,
    Proof,
    WithdrawInput,
    body_fingerprint,
    without_content,
)
from placet.contracts.seal import attested, seal, verify

BODY: Final[dict[str, Any]] = {
    "type": "edit",
    "digest": "sha256:0",
    "args": {"amount": 10, "b": [1.5, None]},
    "message": "m",
}


def of_rest(**changed: object) -> str:
    return body_fingerprint(DecisionBody.model_validate({**BODY, **changed}))


def of_temporal(**changed: object) -> str:
    return body_fingerprint(DecideInput.model_validate({**BODY, **changed}))


def test_the_way_it_came_does_not_matter() -> None:
    """What came by REST travels to the approval as text; a repeat is known on both sides of the pending."""
    text = canonical_text(BODY["args"])
    assert of_rest() == of_temporal() == of_temporal(args=None, args_text=text) == of_temporal(args_text=text)


@pytest.mark.parametrize(
    "changed",
    [{"decision_id": "x"}, {"by": "user:dana"}, {"seal": "5"}, {"received_at": "2026-03-01T00:00:00Z"}, {"later": 1}],
)
def test_key_person_time_and_seal_are_not_of_the_body(changed: dict[str, object]) -> None:
    assert of_temporal(**changed) == of_temporal()


@pytest.mark.parametrize("args", [{"b": [1.5, None], "amount": 10}, {"amount": 10.0, "b": [1.5, None]}])
def test_two_spellings_of_the_arguments_are_one_body(args: dict[str, object]) -> None:
    assert of_rest(args=args) == of_rest()


@pytest.mark.parametrize(
    "changed",
    [
        {"type": "approve"},
        {"digest": "sha256:1"},
        {"args": {"amount": 11, "b": [1.5, None]}},
        {"args": {}},
        {"args": None},
        {"message": "M"},
        {"message": ""},
        {"message": None},
        {"answers": {}},
        {"answers": {"q1": {"options": ["1"]}}},
    ],
)
def test_another_body_has_another_fingerprint(changed: dict[str, object]) -> None:
    assert of_rest(**changed) != of_rest()
    assert of_temporal(**changed) == of_rest(**changed)


def test_the_order_of_options_is_of_the_body() -> None:
    """The body counts as sent, though both answers are the same set."""
    one, other = ({"q1": {"options": order}} for order in (["1", "2"], ["2", "1"]))
    assert of_rest(answers=one) != of_rest(answers=other)


json_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
arguments = st.dictionaries(
    json_text, st.one_of(st.none(), st.integers(), json_text, st.lists(st.booleans())), max_size=4
)


@given(json_text, json_text, st.none() | arguments, st.none() | json_text)
def test_it_is_the_fingerprint_of_one_json_object(
    kind: str, digest: str, args: dict[str, Any] | None, message: str | None
) -> None:
    """It is put together from texts that are canonical already; nothing inside them can reach out."""
    body = DecisionBody.model_validate({"type": kind, "digest": digest, "args": args, "message": message})
    whole = {"type": kind, "digest": digest, "args": args, "message": message, "answers": None}
    assert body_fingerprint(body) == fingerprint(whole)


def test_arguments_that_are_no_object_have_no_fingerprint() -> None:
    for text in ("[]", "{", '{"a":1,"a":2}'):
        with pytest.raises(MalformedJsonError):
            of_temporal(args_text=text)


@pytest.mark.parametrize(
    "changed",
    [
        {"type": None},
        {"type": "x" * 101},
        {"digest": 1},
        {"digest": "x" * 201},
        {"args": []},
        {"args": "{}"},
        {"message": 1},
        {"answers": []},
        {"answers": {"q1": "yes"}},
        {"answers": {"q1": {"options": [1]}}},
        {"decision_id": "x" * 201},
        {"by": "x" * 501},
        {"by": {"name": "Dana"}},
        {"received_at": "2026-03-01T00:00:00"},
        {"received_at": "yesterday"},
        {"received_at": 1e300},
    ],
)
def test_a_payload_of_the_wrong_shape_is_refused(changed: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        DecideInput.model_validate({**BODY, **changed})


def test_a_person_may_be_named_by_text_and_is_unverified() -> None:
    named = DecideInput.model_validate({**BODY, "by": "user:dana"}).by
    assert named == Person(id="user:dana", via="temporal")
    assert WithdrawInput.model_validate({"by": "user:dana"}).by == named


@pytest.mark.parametrize("status", ["approved", "expired", "pending", None])
def test_a_withdrawal_cannot_decide(status: object) -> None:
    with pytest.raises(ValidationError):
        WithdrawInput.model_validate({"status": status})


def test_what_goes_into_the_record_beside_the_outcome_has_no_content() -> None:
    decision = Decision.model_validate(
        {
            **BODY,
            "id": "d",
            "fingerprint": "f",
            "by": {"id": "user:dana"},
            "args_text": "{}",
            "answers": {},
            "seal": "5",
        }
    )
    bare = without_content(decision)
    assert (bare.args_text, bare.message, bare.answers) == (None, None, None)
    assert (bare.id, bare.fingerprint, bare.type, bare.digest, bare.by, bare.seal) == (
        *(decision.id, decision.fingerprint, decision.type, decision.digest, decision.by, decision.seal),
    )


KEY: Final = bytes(range(32))
DANA: Final = Person(id="user:dana", name="Dana", via="web")
SEALED: Final = (KEY, "a" * 32, "decision-1", "f" * 64, DANA)


def test_a_seal_proves_who_decided() -> None:
    assert verify(KEY, seal(*SEALED), *SEALED[1:])


@pytest.mark.parametrize(
    "claimed",
    [
        (bytes(32), *SEALED[1:]),
        (KEY, "b" * 32, *SEALED[2:]),
        (*SEALED[:2], "decision-2", *SEALED[3:]),
        (*SEALED[:3], "0" * 64, DANA),
        (*SEALED[:4], Person(id="user:lee", name="Dana", via="web")),
        (*SEALED[:4], Person(id="user:dana", name="Lee", via="web")),
        (*SEALED[:4], Person(id="user:dana", name="Dana", via="api")),
    ],
    ids=["key", "approval", "decision", "body", "person", "name", "way"],
)
def test_a_seal_is_good_for_nothing_else(claimed: tuple[bytes, str, str, str, Person]) -> None:
    assert not verify(claimed[0], seal(*SEALED), *claimed[1:])


PROOF: Final = Proof(method="oidc", credential="1f2e3d4c5b6a", card_digest="sha256:" + "0" * 64)
PROVED: Final = Decision(
    id="decision-1",
    fingerprint="f" * 64,
    type="approve",
    digest="d",
    by=DANA,
    proof=PROOF,
    seal=seal(*SEALED, PROOF),
)


def test_a_seal_vouches_for_the_proof_as_well() -> None:
    assert attested(KEY, "a" * 32, PROVED) == PROVED


@pytest.mark.parametrize(
    "claimed",
    [{"proof": PROOF.model_copy(update={name: "x"})} for name in ("method", "credential", "address", "card_digest")]
    + [{"proof": None}, {"seal": seal(*SEALED)}, {"seal": None}],
)
def test_a_proof_that_was_changed_added_or_taken_away_is_none(claimed: dict[str, Any]) -> None:
    known = attested(KEY, "a" * 32, PROVED.model_copy(update=claimed))
    assert (known.by, known.proof) == (DANA.model_copy(update={"via": "temporal"}), None)


@pytest.mark.parametrize("given_seal", [None, "", "0" * 64, "é", seal(*SEALED).upper(), seal(*SEALED)[:-1]])
def test_anything_but_the_seal_is_none(given_seal: str | None) -> None:
    """Whatever was sent in its place: a check that raises would stop the record for ever."""
    assert not verify(KEY, given_seal, *SEALED[1:])


def test_a_seal_does_not_run_its_parts_together() -> None:
    assert seal(KEY, "ab", "c", "f", DANA) != seal(KEY, "a", "bc", "f", DANA)
    assert json.loads(json.dumps(seal(*SEALED))) == seal(*SEALED)
