"""The reader of `console` blocks notices what a person would notice."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from placet_testing.console import Reader, Step, steps_of

PAGE = """
Some words.

```console terminal=2 stays
$ echo 'id: 1234abcd'; sleep 30
id: 00ff00ff
```

```console
$ echo 'one   two three'
one two
$ echo 00ff00ff
…
```

```text
$ not a step
```
"""


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    return Reader(tmp_path, dict(os.environ))


def test_finds_commands_terminals_and_expected_lines() -> None:
    assert steps_of(PAGE) == [
        Step("2", 5, "echo 'id: 1234abcd'; sleep 30", ("id: 00ff00ff",), stays=True),
        Step("1", 10, "echo 'one   two three'", ("one two",)),
        Step("1", 12, "echo 00ff00ff", ("…",)),
    ]


def test_a_sample_id_stands_for_the_real_one(reader: Reader) -> None:
    staying, _, last = steps_of(PAGE)
    running = reader.do(staying, 10)
    assert reader.do(last, 10).output == "1234abcd\n"
    running.kill()


def test_a_uuid_stands_for_the_real_one_and_its_beginning_for_the_beginning(reader: Reader) -> None:
    real, sample = "0123abcd-0123-4123-8123-0123456789ab", "7c1e5f0a-3b2d-5c4e-8f6a-1d0b9e8c7a65"
    reader.do(Step("1", 1, f"echo run {real}", (f"run {sample}",)), 10)
    assert reader.do(Step("1", 2, "echo 7c1e5f0a", ("7c1e5f0a",)), 10).output == "0123abcd\n"


def test_a_command_is_repeated_where_the_page_says_so(reader: Reader, tmp_path: Path) -> None:
    (tmp_path / "count").write_text("")
    reader.do(Step("1", 1, "echo -n x >>count; cat count", ("xxx",), again=True), 10)
    assert (tmp_path / "count").read_text() == "xxx"


def test_an_exit_code_is_as_the_page_says(reader: Reader) -> None:
    reader.do(Step("1", 1, "exit 6", code=6), 10)


def test_a_command_runs_in_a_terminal(reader: Reader) -> None:
    reader.do(Step("1", 1, "test -t 0 && test -t 1 && echo yes", ("yes",)), 10)


@pytest.mark.parametrize(
    ("command", "expected", "complaint"),
    [
        ("echo something else", ("something", "nothing"), "ended without"),
        ("echo b; echo a", ("a", "b"), "ended without"),
        ("echo a; exit 3", ("a",), "exit code 3"),
        ("sleep 30", ("a",), "1 s are over"),
        ("echo a; sleep 30", ("a",), "1 s are over"),
        ("echo '11111111 22222222'", ("aaaa1111 aaaa1111",), "ended without"),
        ("echo 11111111; echo 22222222", ("aaaa1111", "aaaa1111"), "ended without"),
    ],
)
def test_what_is_not_as_the_page_says_fails(
    reader: Reader, command: str, expected: tuple[str, ...], complaint: str
) -> None:
    with pytest.raises(AssertionError, match=complaint):
        reader.do(Step("1", 1, command, expected), 1)
    reader.close()
