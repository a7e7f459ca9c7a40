"""The assistant `approvals` by an SDK: an approval of a run is decided on its own thread, and the run goes on."""

from __future__ import annotations

import pytest

from placet_testing.chatting import Chat, a_text, actions_of, call

pytestmark = pytest.mark.timeout(120)


def test_an_approval_of_a_run_is_edited_on_its_own_thread_and_the_run_goes_on(chat: Chat) -> None:
    thread, text = chat.thread(), a_text()
    (action,) = actions_of(chat.waiting(thread, [call(text)]))
    client = chat.client("dana")
    found = client.threads.search(metadata={"graph_id": "approvals"}, status="interrupted", limit=100)
    own = f"approval-{action['approval_id']}"
    assert own in {one["thread_id"] for one in found}
    (interrupt,) = client.threads.get_state(own)["interrupts"]
    request = interrupt["value"][0]["action_request"]
    assert request == {"action": "send", "args": {"text": text}}
    edited = {"type": "edit", "args": {"action": "send", "args": {"text": f"{text}-edited"}}}
    parts = [part.event for part in client.runs.stream(own, "approvals", command={"resume": [edited]})]
    assert parts == ["metadata", "values", "end"]
    assert client.threads.get(own)["status"] == "idle", "Agent Inbox looks at once, and stays where it is still asked"
    chat.deployment.wait(lambda: chat.look(thread)["status"] == "idle")
    assert [len(chat.deployment.effects(one)) for one in (text, f"{text}-edited")] == [0, 1]
    assert client.threads.get(own)["status"] == "idle"
