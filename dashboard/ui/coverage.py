"""How complete what a screen shows is: which sources delivered, which are late."""

from __future__ import annotations

from dashboard.text.signal_words import late_word
from dashboard.text.translate import _, at_moment, n_
from dashboard.ui.elements import html
from dashboard.ui.signs import num, sign
from models.ingest.freshness import SourceState


def coverage(sources: tuple[SourceState, ...]) -> html.P:
    """How many publishers delivered this week, who was last, and who did not."""
    sentences = _sentences(sources)
    late = any(publisher.late for publisher in _publishers(sources))
    (line, _kind), *others = sentences
    first = html.Span([sign("clock" if late else "check"), " ", num("coverage", line)], className="" if late else "k")
    return html.P(
        [first, *(html.Span(words, className=kind) for words, kind in others)], className="src", id="coverage"
    )


def coverage_sentences(sources: tuple[SourceState, ...]) -> list[str]:
    """The same as plain sentences."""
    return [words for words, _kind in _sentences(sources)]


def _publishers(sources: tuple[SourceState, ...]) -> list[SourceState]:
    return [source for source in sources if source.role == "publisher" and source.active and not source.stopped]


def _sentences(sources: tuple[SourceState, ...]) -> list[tuple[str, str]]:
    """What is to be said, each with the class of its text."""
    publishers = _publishers(sources)
    fresh = [publisher for publisher in publishers if publisher.delivered_this_week]
    late = [publisher for publisher in publishers if publisher.late]
    line = n_(
        "{fresh} of {number} source delivered this week.",
        "{fresh} of {number} sources delivered this week.",
        len(publishers),
        fresh=len(fresh),
    )
    sentences = [(line, "")]
    failing = sum(publisher.failures > 0 or publisher.refused for publisher in publishers)
    if failing:
        sentences.append((n_("{number} has a fault now.", "{number} have a fault now.", failing), "w"))
    steady = [source for source in fresh if source not in late and source.last_success_us is not None]
    if steady:
        oldest = min(steady, key=lambda source: source.last_success_us or 0)
        moment = at_moment(oldest.last_success_us or 0)
        sentences.append((_("{name}: last delivery {moment}.", name=oldest.name, moment=moment), ""))
    return sentences + [(late_word(source), "") for source in late]
