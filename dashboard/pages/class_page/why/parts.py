"""The building blocks of explanations of numbers: sentences, facts and lists of pupils."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from dashboard.text.translate import _, at_moment, native
from dashboard.text.words import missing_word
from dashboard.ui import addresses
from dashboard.ui.class_view import ClassView
from dashboard.ui.controls import period_word
from dashboard.ui.elements import Link, html
from dashboard.ui.matrix_columns import CellContent, Column, columns
from dashboard.ui.matrix_table import level_word, pupil_word
from dashboard.ui.signs import attrs
from models.access.people import PupilName
from models.ingest.freshness import SourceState
from models.results.scales import ScoreReading

Explanation = list[Any] | None  # None: the number does not exist any more
Fact = tuple[str, str]


def facts(pairs: Iterable[Fact]) -> html.Dl:
    """A description list; pairs without a text are left out."""
    rows = [piece for word, text in pairs if text for piece in (html.Dt(word), html.Dd(text))]
    return html.Dl(rows, className="dl")


def rule(*sentences: str) -> html.P:
    """How a number is computed, in a few sentences."""
    return html.P(" ".join(sentence for sentence in sentences if sentence), className="t2")


def pupil_list(title: str, pupils: Sequence[tuple[PupilName, str]], name: str) -> list[Any]:
    """Pupils by name, each with a remark; empty where there are none."""
    if not pupils:
        return []
    rows = [
        html.Li(
            [Link(pupil_word(pupil), href=addresses.pupil_href(pupil.id)), html.Span(words)],
            **attrs(data_pupil=str(pupil.id)),
        )
        for pupil, words in pupils
    ]
    return [html.H4(f"{title} ({len(rows)})"), html.Ul(rows, **attrs(data_list=name))]


def period_fact(view: ClassView) -> Fact:
    """The range of test dates that the page counts."""
    return (_("Period"), period_word(view.filters, list(view.classes)))


def source_facts(view: ClassView, source_ids: Iterable[int]) -> list[Fact]:
    """The publishers that a number comes from, each with its last successful delivery."""
    ids = set(source_ids)
    return [(_("Publisher"), source_word(source)) for source in view.overview.sources if source.id in ids]


def source_word(source: SourceState) -> str:
    """The name of a source and the time of its last delivery."""
    if source.last_success_us is None:
        return _("{name} has not delivered yet.", name=source.name)
    return _("{name}: last delivery {moment}.", name=source.name, moment=at_moment(source.last_success_us))


def column_of(view: ClassView, key: str) -> Column | None:
    """The column with this key."""
    filters = view.filters
    shown_columns = columns(view.overview, filters.view, filters.subject, filters.material)
    return next((item for item in shown_columns if item.key == key), None)


def cell_words(cell_content: CellContent) -> str:
    """The content of a cell in words: number and level, or why there is none."""
    if cell_content.cell is None:
        assert cell_content.missing is not None
        return missing_word(cell_content.missing)
    return score_words(cell_content.cell.total.reading, cell_content.cell.total.derived)


def score_words(reading: ScoreReading, derived: bool) -> str:
    """A number with its level or state."""
    if reading.missing is not None or reading.text is None:
        return level_word(reading, derived)
    value = native(reading.text)
    if reading.maximum is not None:
        value = _("{score} of {maximum}", score=value, maximum=native(reading.maximum))
    return f"{value} · {level_word(reading, derived)}"
