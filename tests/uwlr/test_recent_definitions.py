"""A definition that was read before is not read again, and what is said of it stays the same."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from lxml import etree

from connectors.uwlr import definitions
from connectors.uwlr.definitions import read_test
from connectors.uwlr.reader import read_results
from models.ingest import result_store
from models.schema import clock
from models.schema.recent import Recent
from models.schema.records import Term, TestDefinition
from tests.uwlr.messages import LR

MESSAGES = sorted((Path(__file__).parents[1] / "messages").glob("*.xml"))
TOETS = f"""<toets xmlns="{LR}"><toetscode>T1</toetscode><toetsnaam> </toetsnaam><toetsnormering>
<norm><term>goed</term><beginnormwaarde>5</beginnormwaarde><eindnormwaarde>10</eindnormwaarde></norm>
<norm><term>ruim</term><beginnormwaarde>8</beginnormwaarde><eindnormwaarde>12</eindnormwaarde></norm>
</toetsnormering></toets>"""


def read(text: str) -> tuple[object, list[tuple[str, str]]]:
    """The definition in an element, and the rules that it breaks."""
    notes: list[tuple[str, str]] = []
    definition = read_test(etree.fromstring(text), lambda rule, child: notes.append((rule, child)))
    return definition, notes


def test_a_known_definition_is_the_same_and_breaks_the_same_rules() -> None:
    first, again = read(TOETS), read(TOETS)
    assert again == first
    assert again[0] is first[0]
    assert {rule for rule, _child in first[1]} == {"test.name-blank", "norm.overlap"}


def test_a_definition_that_differs_in_one_character_is_read_anew() -> None:
    other = read(TOETS.replace("<term>ruim", "<term>ruim voldoende"))
    assert other[0] != read(TOETS)[0]
    assert read(TOETS.replace("> <", ">Toets 1<"))[1] == [note for note in read(TOETS)[1] if note[0] == "norm.overlap"]
    assert read(TOETS.replace("<toetscode>", '<toetscode vocabulaire="urn:x">'))[0] != read(TOETS)[0]


def test_a_huge_definition_is_not_kept() -> None:
    huge = TOETS.replace("<term>goed", f"<term>{'g' * definitions.MAX_RECENT_BYTES}")
    assert read(huge)[0] is not read(huge)[0]
    assert read(huge) == read(huge)


@pytest.mark.parametrize("path", MESSAGES, ids=lambda path: str(path.stem))
def test_a_message_reads_the_same_twice(path: Path) -> None:
    with clock.fixed(datetime(2026, 11, 20, 12, tzinfo=UTC)):
        first, again = (read_results(io.BytesIO(path.read_bytes()), "entry_results.xsd") for _ in range(2))
    assert (again.definitions, again.notes, again.broken) == (first.definitions, first.notes, first.broken)


def test_what_was_used_longest_ago_goes_first() -> None:
    recent: Recent[str, int] = Recent(2)
    recent.put("a", 1)
    recent.put("b", 2)
    assert recent.get("a") == 1
    recent.put("c", 3)
    assert [recent.get(key) for key in "abc"] == [1, None, 3]


def test_values_of_many_bytes_are_few() -> None:
    recent: Recent[str, int] = Recent(9, 10)
    for key in "abc":
        recent.put(key, 1, 4)
    recent.put("c", 2, 6)
    assert [recent.get(key) for key in "abc"] == [None, 1, 2]
    recent.put("d", 3, 11)
    assert [recent.get(key) for key in "abcd"] == [None] * 4
    recent.put("e", 4, 10)
    assert recent.get("e") == 4


def test_the_bytes_of_kept_definitions_are_bounded() -> None:
    part = "<toetsonderdeel><toetsonderdeelvolgnummer>1</toetsonderdeelvolgnummer></toetsonderdeel>"
    parts = f"<toetsonderdelen>{part * 180}</toetsonderdelen></toets>"
    every = [TOETS.replace("T1", f"S{number}").replace("</toets>", parts) for number in range(600)]
    first = read(every[0])[0]
    assert read(every[0])[0] is first  # small enough to be kept
    for text in every:
        read(text)
    assert read(every[-1])[0] is read(every[-1])[0]
    assert read(every[0])[0] is not first


def test_a_huge_definition_is_stored_and_not_remembered() -> None:
    huge = TestDefinition(Term("T1"), name="x" * (1 << 24))
    result_store._definition_digest(huge)
    assert result_store._DIGESTS.get(id(huge)) is None
