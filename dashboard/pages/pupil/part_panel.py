"""The parts of a test, and the provenance of a single number."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from dashboard.pages.pupil.series import grade_word, level_state
from dashboard.pages.pupil.tables import explained
from dashboard.text.scores import level_words
from dashboard.text.translate import _, day_name, long_moment, n_, native, short_day
from dashboard.text.words import band_word, part_name_word, short_test, subject_word
from dashboard.ui.elements import html
from dashboard.ui.matrix_table import value
from dashboard.ui.signs import sign
from models.classroom.class_data import ScoredPart
from models.classroom.timeline import Provenance, PupilTimeline, Sitting
from models.results.scales import HUGEST_SCORE, NormPosition, ParsedNorm, ScoreReading, plain_decimal
from models.schema.records import SCALE, Kind
from models.schema.urls import is_plain_link


def sitting_options(timeline: PupilTimeline) -> list[dict[str, Any]]:
    """The options with every sitting, grouped by material, newest first."""
    return [
        {
            "group": f"{subject_word(series.subject_material.subject)} · {series.subject_material.material}",
            "items": [
                {"value": sitting.key, "label": f"{short_test(sitting.name)} · {short_day(sitting.taken_on)}"}
                for sitting in reversed(series.sittings)
            ],
        }
        for series in timeline.series
    ]


def parts_panel(timeline: PupilTimeline | None, sitting: Sitting | None) -> list[Any]:
    """The parts of a sitting in the order of the definition, each with its own norm."""
    if timeline is None or sitting is None:
        return [html.P(_("There is no test to show."), className="sm t3")] if timeline is not None else []
    path = (
        " › ".join(timeline.catalogue.hierarchy(sitting.definition_id))
        or timeline.catalogue.definitions[sitting.definition_id].material
    )
    head = [
        html.H3(short_test(sitting.name), title=sitting.name),
        html.P(f"{path} · {day_name(sitting.taken_on)}", className="sm t2"),
        html.P([value(sitting.total.reading), " ", level_state(sitting.total.reading)], className="tot"),
    ]
    if not sitting.parts:
        return [*head, html.P(_("This source does not deliver deeper than the test."), className="sm t3")]
    return [
        *head,
        *(_part(sitting, part) for part in sitting.parts),
        html.P(_("This source does not deliver deeper than the part."), className="sm t3"),
    ]


def _part(sitting: Sitting, part: ScoredPart) -> html.Div:
    reading = part.reading
    marks: dict[str, Any] = (
        {"data-part": part.name.code, "data-value": reading.text}
        if reading.text is not None
        else {"data-part": part.name.code}
    )
    if reading.missing is not None:
        marks["data-state"] = reading.missing.value
    share = _share(reading, part.norm)
    bar = [html.Span(html.I(style={"width": f"{share:.0f}%"}), className="tr")] if share is not None else []
    remarks = [_norm_word(part.norm)]
    if part.taken_on != sitting.taken_on:
        remarks.append(short_day(part.taken_on))
    if part.duplicate:
        remarks.append(_("possibly double"))
    if not part.name.defined:
        remarks.append(_("not in the definition of the test"))
    index = f"{part.test_id}_{part.taken_on}_{part.part_id}"
    number = explained(index, value(reading)) if reading.text is not None else value(reading)
    words = " · ".join(remark for remark in remarks if remark)
    return html.Div(
        [
            html.Span(part_name_word(part.name), title=part.name.name),
            html.Div(number, className="pv"),
            *bar,
            html.Small(_level_and_norm(part, words)),
        ],
        className="hb acc" if reading.position is NormPosition.BELOW else "hb",
        **marks,
    )


def _level_and_norm(part: ScoredPart, words: str) -> list[Any]:
    """The band and its norm; where the norm is only a number of points, just the norm."""
    reading = part.reading
    if reading.missing is not None or (part.norm.maximum_only and not reading.suspect):
        return [words]
    return [level_state(reading), f" · {words}" if words else None]


def _share(reading: ScoreReading, norm: ParsedNorm) -> Decimal | None:
    """The share of the points of a part, where the norm states the maximum."""
    if reading.value is None or reading.suspect or not norm.maximum:
        return None
    return max(Decimal(0), Decimal(reading.value) / SCALE / norm.maximum * 100)


def _norm_word(norm: ParsedNorm) -> str:
    """The norm of a test or part, in words."""
    if norm.maximum_only and norm.maximum is not None:
        return _("at most {maximum}", maximum=native(plain_decimal(norm.maximum)))
    return ", ".join(
        f"{band_word(interval.word)} {native(plain_decimal(interval.low))}–{native(plain_decimal(interval.high))}"
        for interval in norm.intervals
    )


# -- where a number comes from ---------------------------------------------------------------------------------


def provenance_panel(source: Provenance | None) -> list[Any]:
    """The provenance of a number: material, publisher, norm, dates and message."""
    head = html.H3(_("Where does this number come from?"))
    if source is None:
        return [head, html.P(_("This number no longer exists."))]
    return [head, *provenance_lines(source)]


def provenance_lines(source: Provenance) -> list[Any]:
    """The provenance without heading: what was sent, the facts, and a link to the publisher."""
    norm = source.part.norm if source.part is not None else source.sitting.norm
    facts = [
        (_("Material"), source.material),
        (_("Publisher"), source.publisher),
        (_("Test"), " › ".join(dict.fromkeys((*source.hierarchy[1:], source.sitting.name)))),
        (_("Part"), source.part.name.name if source.part is not None else ""),
        (_("Version"), source.version),
        (_("Level given by the source"), level_words(_score_words(source))),
        (_("Also sent"), ", ".join(band_word(reference.word) for reference in _score_words(source).references)),
        (_("Meant for level"), source.level or ""),
        (_("Norm"), _norm_fact(source, norm)),
        (_("Conversion"), _conversion(source)),
        (_("Made on"), day_name(source.part.taken_on if source.part is not None else source.sitting.taken_on)),
        (_("Received"), long_moment(source.received_us) if source.received_us is not None else ""),
        (_("Sent by"), _message_word(source)),
    ]
    rows = [piece for word, text in facts if text for piece in (html.Dt(word), html.Dd(text))]
    return [html.P(_story(source), className="t2"), html.Dl(rows, className="dl"), *_link(source)]


def _score_words(source: Provenance) -> ScoreReading:
    return source.part.reading if source.part is not None else source.sitting.total.reading


def _conversion(source: Provenance) -> str:
    """The school grade that the source advises; Rondblik converts nothing."""
    grade = _score_words(source).grade
    return grade_word(grade) if grade is not None else _("none")


def _norm_fact(source: Provenance, norm: ParsedNorm) -> str:
    if source.part is None and source.sitting.total.row.kind == Kind.OSO and _score_words(source).band is not None:
        return _("level given by the source")
    return _norm_word(norm) or _("source sends no norm")


def _message_word(source: Provenance) -> str:
    version = f"UWLR {source.xsd_version}" if source.xsd_version else "UWLR"
    return _("{version}, message {number}", version=version, number=source.delivery_id)


def _story(source: Provenance) -> Any:
    """One or two sentences: what was sent, and that it was not converted."""
    total = source.sitting.total
    reading = source.part.reading if source.part is not None else total.reading
    duplicate = source.part.duplicate if source.part is not None else total.duplicate
    words = []
    if source.part is None and total.derived:
        words.append(
            n_(
                "The source sends no total. This is the sum of {number} part.",
                "The source sends no total. This is the sum of {number} parts.",
                total.parts,
            )
        )
        if total.parts_left_out:
            words.append(
                n_(
                    "{number} part without number is left out.",
                    "{number} parts without number are left out.",
                    total.parts_left_out,
                )
            )
    elif reading.text is not None:
        words.append(
            _("The source sent {value} itself; that number is left as it is.", value=_as_sent(source, reading))
        )
    if reading.suspect and (reading.value or 0) > HUGEST_SCORE * SCALE:
        words.append(_("It is larger than any test has, so it does not count in any mean."))
    elif reading.suspect:
        words.append(_("It is higher than the highest value of the norm, so it does not count in any mean."))
    if duplicate:
        words.append(_("The source sent another value for the same test and day; the newest one is shown."))
    if source.sitting.late:
        words.append(_("It came after newer results; it is shown on its test date."))
    return " ".join(words)


def _as_sent(source: Provenance, reading: ScoreReading) -> str:
    """The text of a score exactly as the source sent it."""
    row = source.part.row if source.part is not None else source.sitting.total.row
    sent = (row.score_text or "").strip()
    return native(reading.text or "") if sent in ("", reading.text) else sent


def _link(source: Provenance) -> list[Any]:
    """A link to the publisher's page: only https, in a new tab, without a referrer."""
    if source.info_url is None or not is_plain_link(source.info_url):
        return []
    words = _("See it at {publisher}", publisher=source.publisher)
    return [
        html.P(
            html.A(
                [words, " ", sign("ext"), html.Span(_("(new tab)"), className="vh")],
                href=source.info_url,
                target="_blank",
                rel="noopener noreferrer",
                referrerPolicy="no-referrer",
            ),
            className="acts",
        )
    ]
