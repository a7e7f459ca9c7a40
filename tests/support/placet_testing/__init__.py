"""What tests share: servers, databases, fakes."""

import os

# As `placet.graphs` sets it: a test that imports LangGraph itself may be the first of the process that does.
os.environ["LANGGRAPH_STRICT_MSGPACK"] = "true"
