"""A graph that one process brings to a wait and another one to its end, perhaps with another LangGraph.

`python -m placet_testing.graphs.elsewhere FOLDER wait|end`: prints one line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sqlalchemy import make_url

from placet.contracts.graphs import Answered
from placet.graphs import Checkpoints, Reached
from placet_testing.graphs import shop_graphs
from placet_testing.graphs.stepping import Runs, approved, says

CALLS = [("refund", {"order": 1, "amount": 7}), ("send", {"to": "ada", "text": "hi"})]


async def main(folder: Path, phase: str) -> dict[str, Any]:
    """Goes as far as it is told to, and returns what came of it."""
    shop_graphs.EFFECTS = folder / "effects.txt"
    checkpoints = Checkpoints(make_url(f"sqlite+aiosqlite:///{folder}/ledger.db"))
    runs, agent = Runs(checkpoints), Runs(checkpoints).of(shop_graphs.everything)
    place = folder / "place.json"
    if phase == "wait":
        message = {"role": "user", "content": json.dumps(CALLS)}
        reached = await runs.until_it_rests(agent, {"topic": "tea", "messages": [message], "notes": []})
        place.write_text(json.dumps({"thread_id": runs.wanted.thread_id, "head": reached.head}))
    else:
        runs.goes_on(**json.loads(place.read_text()))
        # Told nothing it comes to the same wait.
        reached = await runs.step(agent)
        while reached.status != "ended":
            answers = tuple(_answer(reached, at) for at in range(len(reached.waiting)))
            reached = await runs.step(agent, answers=answers)
    await checkpoints.close()
    output: Any = reached.output
    texts = [message.text for message in output["messages"][1:]]
    waiting = sorted(one.node for one in reached.waiting)
    return {"langgraph": version("langgraph"), "waiting": waiting, "notes": output["notes"], "texts": texts}


def _answer(reached: Reached, at: int) -> Answered:
    return says(reached, "slow", at) if reached.waiting[at].node == "words" else approved(reached, at)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))))
