"""For graphs of LangChain that run on Placet: one line puts every call of an agent under its policy."""

from placet.langchain._asking import ask_human
from placet.langchain._middleware import ApprovalMiddleware
from placet.langchain._rules import UntranslatableError, policy_of

__all__ = ["ApprovalMiddleware", "UntranslatableError", "ask_human", "policy_of"]
