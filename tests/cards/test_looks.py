"""Kinds of values: what is marked and told of them, and that the value itself stays as it is."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placet.cards.looks import look_at
from placet.cards.rows import Row, rows
from placet.cards.visible import lines, quoted

NAMES = ("to", "command", "sql", "patch", "url", "path", "amount_cents", "amount", "body")
PATCH = """\
--- a/app.py
+++ b/app.py
@@ -1,3 +1,2 @@
 import os
-DEBUG = False
+DEBUG = True
--- a list item that goes
"""


def row_of(name: str, value: object, schema: dict[str, Any] | None = None, **others: object) -> Row:
    args = {name: value, **others}
    properties = {"properties": {name: schema}} if schema else None
    return next(row for row in rows(args, properties) if row.name == name)


def marked(row: Row, sort: str) -> list[str]:
    return [piece.text for line in row.pieces for piece in line if piece.sort == sort]


@given(st.sampled_from(NAMES), st.text() | st.text(alphabet="@.:/\\ -+\n'\";&|$()xn0a\u202e", max_size=200))
def test_no_look_changes_a_text(name: str, text: str) -> None:
    row = rows({name: text, "currency": "EUR"})[1 if name > "currency" else 0]
    expected = lines(text) if "\n" in text else (quoted(text),)
    assert row.value == expected
    assert row.shown == expected
    assert tuple("".join(piece.text for piece in line) for line in row.pieces) == expected
    for told in (*row.facts, *row.warnings):
        assert told.isprintable()


@given(st.sampled_from(NAMES), st.text(alphabet="a/*-+@ \"'\\(<$\n", max_size=3))
def test_no_text_makes_a_look_take_long(name: str, unit: str) -> None:
    text = unit * 20_000
    begun = time.process_time()
    look_at(name, text[:90_000], {}, {})
    assert time.process_time() - begun < 2


def test_a_hidden_character_differs_from_one_that_was_typed() -> None:
    row = row_of("body", "a\u202eb\n\\u202e")
    assert [[(piece.text, piece.sort) for piece in line] for line in row.pieces] == [
        [("a", ""), ("\\u202e", "escape"), ("b", "")],
        [("\\u202e", "")],
    ]


@pytest.mark.parametrize(
    ("url", "host", "told"),
    [
        ("https://shop.example/a?b=c", "shop.example", "host shop.example"),
        ("http://shop.example:8080/", "shop.example", "not encrypted"),
        ("https://bank.example@evil.example/x", "evil.example", "bank.example before the @ is a name to sign in with"),
        ("https://bank.example\\@evil.example/", "bank.example", "programs differ on where its host ends"),
        ("https://xn--pypal-4ve.com/", "xn--pypal-4ve.com", "written out: p\u0430ypal.com"),
        ("https://xn--pypal-4ve.com/", "xn--pypal-4ve.com", "mixes alphabets: p\u0430ypal"),
        ("https://b\u00fccher.example/", "b\u00fccher.example", "written in ASCII: xn--bcher-kva.example"),
        ("http://169.254.169.254/latest", "169.254.169.254", "leads into a private network"),
        ("http://[::1]:9000/", "[::1]", "leads to the machine that runs the tool"),
        ("http://2130706433/", "2130706433", "a number that stands for an address"),
        ("http://0x7f.1/", "0x7f.1", "a number that stands for an address"),
        ("https:///nowhere", "", "no host"),
    ],
)
def test_a_url_tells_its_host(url: str, host: str, told: str) -> None:
    row = row_of("anything", url)
    assert row.look == "URL"
    assert "".join(marked(row, "host")) == host.replace("\\", "\\\\")
    assert any(told in one for one in (*row.facts, *row.warnings)), (row.facts, row.warnings)


def test_addresses_tell_their_domains() -> None:
    row = row_of("to", ["ops@corp.example", "Ada <ada@mail.example>", "x@corp.example"])
    assert (row.look, row.facts) == ("e-mail", ("3 addresses in 2 domains: corp.example, mail.example",))
    one = row_of("cc", "a@corp.example <b@evil.example>")
    assert marked(one, "host") == ["corp.example", "evil.example"]
    assert one.facts[0].startswith("2 addresses in 2 domains")
    assert "written out: p\u0430ypal.com" in row_of("to", "a@xn--pypal-4ve.com").facts


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("SELECT * FROM orders", ["1 statement: SELECT"]),
        ("DELETE FROM orders", ["1 statement: DELETE", "DELETE without WHERE"]),
        ("update t set a = 'where'", ["UPDATE without WHERE"]),
        ("select 1; drop table t", ["2 statements: SELECT, DROP"]),
        ("with gone as (delete from t where a) select 1", ["1 statement: WITH", "words that change something: DELETE"]),
        ("select 1 -- ; drop table t", ["1 statement: SELECT", "has a comment"]),
        ("/* a */ /* b */ select 'it''s; fine'", ["1 statement: SELECT"]),
        ("select 'a\\'; drop table t; --'", ["has a backslash before a quotation mark"]),
    ],
)
def test_sql_tells_what_it_begins_and_changes(sql: str, told: list[str]) -> None:
    row = row_of("query", sql)
    assert row.look == "SQL"
    for one in told:
        assert any(one in said for said in (*row.facts, *row.warnings)), (row.facts, row.warnings)


def test_words_in_a_query_that_is_no_sql_are_not_taken_for_it() -> None:
    assert row_of("query", "orders of last week").look == ""
    assert row_of("note", "select * from a").look == ""
    assert row_of("note", "select * from a", {"format": "sql"}).look == "SQL"


@pytest.mark.parametrize(
    ("command", "programs", "warning"),
    [
        ("ls -l 'a; b'", ["ls"], ""),
        ('cd /tmp && rm -rf "$HOME" | tee log', ["cd", "rm", "tee"], "begins 3 programs"),
        ("A=1 env | sudo sh", ["env", "sudo"], "asks for the rights of another user"),
        ("echo $(curl http://x)", ["echo", "curl"], "runs a command to make a part of another"),
        ("cat < a > b", ["cat"], "reads or writes files"),
        ('echo "now $(date)"', ["echo"], "runs a command to make a part of another"),
        ("ls # rm", ["ls"], ""),
    ],
)
def test_a_command_tells_which_programs_it_begins(command: str, programs: list[str], warning: str) -> None:
    row = row_of("command", command)
    assert row.look == "command"
    told = " ".join((*row.facts, *row.warnings))
    assert f"{'' if len(programs) == 1 else ': '}{', '.join(programs)}" in told
    assert warning in told
    assert bool(row.warnings) == bool(warning)


def test_a_list_of_words_is_a_command_too() -> None:
    assert row_of("argv", ["git", "push", "--force"]).facts == ("begins git with 2 arguments",)


def test_a_patch_tells_its_files_and_its_lines() -> None:
    row = row_of("anything", PATCH)
    assert row.look == "diff"
    assert row.facts == ("1 file: app.py", "1 line added, 2 removed")
    assert not row.warnings
    assert marked(row, "removed") == ["-DEBUG = False", "--- a list item that goes"]
    assert marked(row, "added") == ["+DEBUG = True"]
    short = row_of("patch", PATCH.replace("-1,3", "-1,9"))
    assert short.warnings == ("its hunks do not have the lines that they announce",)


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/etc/passwd", "absolute"),
        ("notes/a.txt", "seen from where the tool works"),
        ("../../secret", "leads upwards by .."),
        ("~/.ssh/id_rsa", "names something hidden"),
        ("logs/*", "may stand for many files"),
    ],
)
def test_a_path_tells_where_it_leads(path: str, told: str) -> None:
    row = row_of("file_path", path)
    assert row.look == "path"
    assert any(told in one for one in (*row.facts, *row.warnings))


@pytest.mark.parametrize(
    ("name", "value", "others", "fact", "warning"),
    [
        ("amount_cents", 250_000, {}, "2,500.00, given in hundredths", ""),
        ("amount", 25.5, {"currency": "EUR"}, "25.50 EUR", ""),
        ("amount", 25.005, {"currency": "eur"}, "25.005 EUR", "has 3 decimals, EUR has 2"),
        ("amount", "1200.5", {"currency": "JPY"}, "1,200.5 JPY", "has 1 decimal, JPY has none"),
        ("amount_minor", 1_200, {"currency": "JPY"}, "1,200 JPY, given in whole units", ""),
        ("amount_cents", 12.5, {}, "0.125, given in hundredths", "has 1 decimal, the smallest part of money has none"),
        ("total", -1, {"currency": "USD"}, "-1.00 USD", "is below zero"),
        ("price", {"amount": 3, "currency": "KWD"}, {}, "3.000 KWD", ""),
    ],
)
def test_money_is_told_in_its_currency(
    name: str, value: object, others: dict[str, Any], fact: str, warning: str
) -> None:
    row = row_of(name, value, **others)
    assert (row.look, row.facts) == ("money", (fact,))
    assert row.warnings == ((warning,) if warning else ())


@pytest.mark.parametrize(
    ("name", "value"),
    [("amount", 3), ("amount", True), ("amount_cents", "many"), ("amount_cents", 10**60), ("note", "a"), ("to", "you")],
)
def test_what_nobody_understands_has_no_look(name: str, value: object) -> None:
    row = row_of(name, value)
    assert (row.look, row.facts, row.unformatted) == ("", (), False)


def test_what_has_parts_and_no_look_says_so() -> None:
    assert row_of("options", {"a": [1]}).unformatted
    assert not row_of("to", ["a@b.example"]).unformatted
