"""From placet.yaml to agents: users' modules are imported from its folder, and everything wrong is told at once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest
from langchain_core.language_models import BaseChatModel

from placet.agents import Agents, LoadError
from placet.engine.config_file import load

MODEL = """
from langchain_core.language_models.fake_chat_models import FakeListChatModel
class Taking(FakeListChatModel):
    def bind_tools(self, tools, **kwargs):
        return self.bind(tools=tools)
model = Taking(responses=["hello"])
toolless = FakeListChatModel(responses=["hello"])
def factory():
    return Taking(responses=["made"])
def wrong():
    return "no model"
"""


@pytest.fixture(autouse=True)
def _forget_imports() -> Iterator[None]:
    """Takes back what a test has imported: other tests have modules of the same names."""
    modules, path = set(sys.modules), list(sys.path)
    yield
    for name in set(sys.modules) - modules:
        if name.startswith("my_"):
            del sys.modules[name]
    sys.path[:] = path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "my_model.py").write_text(MODEL)
    return tmp_path


def agents(folder: Path, config: str, **modules: str) -> Agents:
    for name, source in modules.items():
        (folder / f"{name}.py").write_text(dedent(source))
    path = folder / "placet.yaml"
    path.write_text(dedent(config))
    return Agents.load(load(path), folder)


def problems(folder: Path, config: str, **modules: str) -> list[str]:
    with pytest.raises(LoadError) as caught:
        agents(folder, config, **modules)
    return [problem.removeprefix(f"{folder}/") for problem in caught.value.problems]


ONE = "agents: {a: {model: 'my_model:model', tools: ['%s']}}"
TOOLS = """
def find(order_id: int) -> str:
    "Find."
    return str(order_id)
class Shop:
    def refund(self, order_id: int) -> str:
        return "refunded"
shop = Shop()
text = "no tool"
"""


def test_an_agent_has_its_model_its_prompt_and_its_tools_by_name(folder: Path) -> None:
    config = """
    agents:
      billing:
        description: Refunds
        model: my_model:model
        prompt: Be kind.
        tools: [my_tools:find, my_tools:shop.refund]
        idempotent: [find*]
      other: {model: "my_model:factory"}
    """
    loaded = agents(folder, config, my_tools=TOOLS)
    billing = loaded["billing"]
    assert (list(loaded), list(billing.tools), billing.prompt) == (["billing", "other"], ["find", "refund"], "Be kind.")
    assert (billing.is_idempotent("find"), billing.is_idempotent("refund")) == (True, False)
    assert loaded["other"].model.invoke("hi").content == "made"
    assert loaded["other"].bound_model() is loaded["other"].model


def test_what_is_published_is_what_the_model_sees(folder: Path) -> None:
    loaded = agents(folder, ONE % "my_tools:find", my_tools=TOOLS)
    [row] = loaded.describe()
    [tool] = row.tools
    assert (row.name, row.model) == ("a", "my_model:model")
    assert tool.args_schema == loaded["a"].tools["find"].schema_for_model()["function"]["parameters"]


def test_everything_that_cannot_be_loaded_is_told_at_once_with_agent_and_reference(folder: Path) -> None:
    config = """
    agents:
      a:
        model: my_model:wrong
        tools: [my_tools:find, my_tools:gone]
      b:
        model: my_nothing:model
        tools:
          - my_gone:find
          - my_tools:text
    """
    told = problems(folder, config, my_tools=TOOLS)
    no_model = "it is a str, and neither a chat model nor a function that makes one"
    no_provider = f"LangChain knows no such provider or model, and there is no module my_nothing in {folder}"
    assert told == [
        f"placet.yaml:4: agents.a.model: my_model:wrong: {no_model}",
        "placet.yaml:5: agents.a.tools.1: my_tools:gone: my_tools has no gone",
        f"placet.yaml:7: agents.b.model: my_nothing:model: {no_provider}",
        f"placet.yaml:9: agents.b.tools.0: my_gone:find: there is no module my_gone in {folder} or installed",
        "placet.yaml:10: agents.b.tools.1: my_tools:text: it is a str, and neither a LangChain tool nor a function",
    ]


def test_a_module_that_cannot_be_imported_is_told_with_the_line_of_the_users_file(folder: Path) -> None:
    [broken] = problems(folder, ONE % "my_broken:find", my_broken="import json\n\njson.loads('{')\n")
    assert "importing my_broken raised JSONDecodeError" in broken
    assert broken.endswith("(my_broken.py:3)")


def test_a_module_that_lacks_another_is_told(folder: Path) -> None:
    [told] = problems(folder, ONE % "my_needy:find", my_needy="\nimport my_absent\n")
    assert told.endswith("there is no module my_absent (my_needy.py:2)")


@pytest.mark.parametrize(
    "source", ["raise SystemExit(3)", "import sys; sys.exit()", "def f(:", "1 / 0", "raise KeyError"]
)
def test_whatever_a_module_does_the_others_are_still_told(folder: Path, source: str) -> None:
    config = "agents: {a: {model: 'my_model:model', tools: ['my_bad:f', 'my_gone:g']}}"
    assert len(problems(folder, config, my_bad=source)) == 2


def test_a_model_that_takes_no_tools_is_told(folder: Path) -> None:
    config = "agents: {a: {model: 'my_model:toolless', tools: ['my_tools:find']}, b: {model: 'my_model:toolless'}}"
    assert problems(folder, config, my_tools=TOOLS) == [
        "placet.yaml:1: agents.a.model: my_model:toolless: the model takes no tools"
    ]


def test_two_tools_of_one_name_are_refused(folder: Path) -> None:
    config = "agents: {a: {model: 'my_model:model', tools: ['my_tools:find', 'my_more:find']}}"
    [told] = problems(folder, config, my_tools=TOOLS, my_more=TOOLS)
    assert "there is another tool find" in told


def test_two_agents_may_have_the_same_tool(folder: Path) -> None:
    config = """
    agents:
      a: &a {model: "my_model:model", tools: ["my_tools:find"]}
      b: *a
    """
    assert [list(agent.tools) for agent in agents(folder, config, my_tools=TOOLS).values()] == [["find"], ["find"]]


def test_a_module_in_a_package_of_the_folder_is_found(folder: Path) -> None:
    (folder / "my_package").mkdir()
    (folder / "my_package" / "inner.py").write_text(TOOLS)
    assert list(agents(folder, ONE % "my_package.inner:find")["a"].tools) == ["find"]


def test_a_module_of_the_folder_that_another_one_hides_is_told(folder: Path) -> None:
    """`json` is imported already: without this the user's file would silently not be the one that is used."""
    [told] = problems(folder, ONE % "json:find", json=TOOLS)
    assert "is hidden by another module of that name" in told


async def test_a_tool_may_import_its_neighbours_when_it_runs(folder: Path) -> None:
    tools = """
    def late() -> str:
        import my_neighbour
        return my_neighbour.name
    """
    loaded = agents(folder, ONE % "my_late:late", my_late=tools, my_neighbour="name = 'next door'")
    assert await loaded["a"].tools["late"].run({}, {}) == "next door"


def test_afterwards_the_folder_hides_no_installed_package(folder: Path) -> None:
    first = sys.path[0]
    agents(folder, ONE % "my_tools:find", my_tools=TOOLS)
    assert sys.path[0] == first
    assert sys.path.index(str(folder)) == len(sys.path) - 1
    agents(folder, ONE % "my_tools:find", my_tools=TOOLS)
    assert sys.path.count(str(folder)) == 1


def test_a_provider_is_named_as_langchain_names_it_and_does_not_retry(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    for name in ("openai:gpt-5-mini", "gpt-5-mini"):
        model = agents(folder, f"agents: {{a: {{model: '{name}'}}}}")["a"].model
        assert isinstance(model, BaseChatModel)
        assert type(model).__name__ == "ChatOpenAI"
        assert getattr(model, "max_retries", None) == 0


def test_a_module_of_the_folder_comes_before_a_provider_of_that_name(folder: Path) -> None:
    loaded = agents(folder, "agents: {a: {model: 'groq:model'}}", groq=MODEL)
    assert loaded["a"].model.invoke("hi").content == "hello"


def test_a_folder_that_is_called_like_a_provider_is_not_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    (folder / "openai").mkdir()
    (folder / "openai" / "notes.txt").write_text("ask about prices")
    assert type(agents(folder, "agents: {a: {model: 'openai:gpt-5-mini'}}")["a"].model).__name__ == "ChatOpenAI"


def test_a_provider_whose_package_is_not_there_is_told_with_the_package(folder: Path) -> None:
    [told] = problems(folder, "agents: {a: {model: 'groq:llama'}}")
    assert "langchain-groq" in told


def test_a_provider_without_its_key_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    [told] = problems(folder, "agents: {a: {model: 'openai:gpt-5-mini'}}")
    assert "OPENAI_API_KEY" in told


def test_a_model_that_nobody_knows_is_told(folder: Path) -> None:
    [told] = problems(folder, "agents: {a: {model: 'nobody:knows'}}")
    assert "placet.yaml:1: agents.a.model: nobody:knows: " in told


DESCRIBERS = """
import asyncio
def say(call):
    return "said"
async def say_later(call, more=None):
    return "said"
def whole(tool, args):
    return "said"
def nothing():
    return "said"
class Desk:
    def say(self, call):
        return "said"
desk = Desk()
text = "no function"
"""
RULE = "- {effect: ask, describe: 'my_words:%s'}"


def test_the_functions_that_rules_name_are_there_by_reference(folder: Path) -> None:
    named = ("say", "say_later", "desk.say", "say")
    rules = "\n".join(f"    {RULE % name}" for name in named)
    loaded = agents(folder, f"agents: {{}}\npolicy:\n  rules:\n{rules}\n", my_words=DESCRIBERS)
    assert list(loaded.descriptions) == ["my_words:say", "my_words:say_later", "my_words:desk.say"]
    assert loaded.descriptions["my_words:desk.say"].__name__ == "say"


def test_a_function_that_a_rule_names_and_that_is_none_is_told_with_the_agents_problems(folder: Path) -> None:
    named = ("whole", "nothing", "text", "Desk", "gone")
    rules = "\n".join(f"    {RULE % name}" for name in named)
    config = f"agents: {{a: {{model: 'my_model:wrong'}}}}\npolicy:\n  rules:\n{rules}\n"
    told = problems(folder, config, my_words=DESCRIBERS)
    assert told[1:] == [
        "placet.yaml:4: policy.rules.0.describe: my_words:whole: takes other arguments than one, the call",
        "placet.yaml:5: policy.rules.1.describe: my_words:nothing: takes other arguments than one, the call",
        "placet.yaml:6: policy.rules.2.describe: my_words:text: is no function",
        "placet.yaml:7: policy.rules.3.describe: my_words:Desk: is no function",
        "placet.yaml:8: policy.rules.4.describe: my_words:gone: my_words has no gone",
    ]
    assert told[0].startswith("placet.yaml:1: agents.a.model")


def test_a_server_s_secret_that_is_not_there_is_told_with_its_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_NESTED", "a${HOME}")
    config = """
    agents:
      a:
        model: my_model:model
        mcp:
          shop:
            command: shop
            env:
              TOKEN: ${MY_MISSING}
              OTHER: ${MY_NESTED}
          web:
            url: http://127.0.0.1:1/mcp
            headers: {Authorization: "Bearer ${MY_MISSING}"}
    """
    missing = "the environment has no variable MY_MISSING"
    assert problems(folder, config) == [
        f"placet.yaml:9: agents.a.mcp.shop.env.TOKEN: {missing}",
        "placet.yaml:10: agents.a.mcp.shop.env.OTHER: the value of MY_NESTED has ${ in it",
        f"placet.yaml:13: agents.a.mcp.web.headers.Authorization: {missing}",
    ]


def test_without_the_extra_an_agent_with_servers_says_which_one_to_install(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith(("placet.agents.mcp.", "langchain_mcp_adapters"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "langchain_mcp_adapters.sessions", None)
    monkeypatch.setitem(sys.modules, "langchain_mcp_adapters", None)
    config = "agents: {a: {model: 'my_model:model', mcp: {shop: {command: shop}}}}"
    [problem] = problems(folder, config)
    assert problem.startswith("placet.yaml:1: agents.a.mcp: there is no module langchain_mcp_adapters")
    assert problem.endswith("pip install 'placet[mcp]'")


def test_without_servers_nothing_of_mcp_is_imported(folder: Path) -> None:
    (folder / "placet.yaml").write_text("agents: {a: {model: 'my_model:model'}}")
    program = (
        "import sys; from pathlib import Path; from placet.agents import Agents;"
        "from placet.engine.config_file import load; import placet.worker;"
        "folder = Path(sys.argv[1]); Agents.load(load(folder / 'placet.yaml'), folder);"
        "assert not [name for name in sys.modules if name.split('.')[0] in {'mcp', 'langchain_mcp_adapters'}]"
    )
    done = subprocess.run([sys.executable, "-c", program, str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
