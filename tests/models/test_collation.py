"""Names and labels in the order of the language."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.schema.collation import base_text, collation_key

ORDERS = [
    ["Adam", "Ångström", "Çağla", "Cato", "Emma", "Éva", "Hanna", "Ørsted", "Oscar", "Özlem", "Sem", "Şeyma", "Zoë"],
    ["Les 1", "Les 2", "Les 10", "Les 10a", "Les 10b", "Les 11"],
    ["groep 3", "Groep 4", "groep 10", "Unit 2", "Unit 10"],
    ["5-6", "Ämter", "groep 3", "Unit 2"],
    ["Blok 1.2", "Blok 1.10", "Blok 2"],
    ["ijsbrand", "IJsbrand", "Ilse", "Iris"],
    ["eva", "Eva", "éva", "Éva", "Eva B"],
    ["Noa", "Noä", "Noa van den Berg", "Noa van der Berg", "Noa\u00a0van der Werf"],
    ["", "'t Zand", "-", "1a", "A"],
    ["Łukasz", "Lynn"],
]


@pytest.mark.parametrize("names", ORDERS, ids=lambda names: names[-1])
def test_the_order_of_the_language(names: list[str]) -> None:
    for seed in range(20):
        shuffled = random.Random(seed).sample(names, len(names))
        assert sorted(shuffled, key=collation_key) == names


@given(st.text(), st.text())
def test_only_equal_texts_have_equal_keys(first: str, second: str) -> None:
    assert (collation_key(first) == collation_key(second)) == (first == second)
    assert (collation_key(first) < collation_key(second)) != (collation_key(second) <= collation_key(first))


def test_no_name_sorts_as_an_empty_one() -> None:
    assert sorted(["a", None], key=collation_key) == [None, "a"]


@pytest.mark.parametrize(
    "text", ["Zoë\u00a0de  Boer", "\u202bZoe de Boer\u202c", " zoe\u2009de boer ", "Zoe\u0308 de Boer"]
)
def test_a_search_ignores_accents_capitals_and_kinds_of_blanks(text: str) -> None:
    assert base_text(text) == "zoe de boer"


def test_a_number_of_any_length_has_a_place() -> None:
    assert collation_key("9" * 5_000) > collation_key("1")
