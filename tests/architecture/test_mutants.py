"""The list of mutants follows the code, and each of them is a program."""

from __future__ import annotations

import ast

import pytest

from placet_testing.mutants import ROOT, Mutant, mutants

MUTANTS = mutants()


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_what_a_mutant_breaks_is_there_once_and_what_it_becomes_can_be_read(mutant: Mutant) -> None:
    assert ast.parse(mutant.broken())
    assert mutant.broken() != (ROOT / mutant.file).read_text("utf-8")
    assert all((ROOT / test.partition("::")[0]).exists() for test in mutant.tests)


def test_no_two_mutants_share_a_name() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 24
