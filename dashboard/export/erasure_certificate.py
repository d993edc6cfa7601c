"""The certificate of an erasure as a page to keep and to print: no name, no script, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from dashboard.export.file_formats import PAGE_STYLE
from dashboard.text.erasure_words import erased_kinds
from dashboard.text.translate import _, language, long_moment, whole


def erasure_certificate(school: str, report: Mapping[str, Any]) -> bytes:
    """The page, in the language of the user; `report` has the number of the pupil, the moment and the counts."""
    title = _("Certificate of erasure")
    facts = {
        _("School"): school,
        _("Number of the pupil in Rondblik"): str(report["pupil"]),
        _("Erased"): long_moment(report["moment_us"]),
    }
    about = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts.items())
    rows = "".join(
        f'<tr><th scope="row">{escape(words)}</th><td>{whole(report["counts"].get(table, 0))}</td></tr>'
        for table, words in erased_kinds().items()
    )
    stays = _(
        "What stays is a keyed digest of each identifier, so that nothing brings the pupil back, and the number of the "
        "pupil in the log of who looked. Backups from before hold the pupil until they are deleted."
    )
    return (
        f'<!DOCTYPE html>\n<html lang="{language()}"><head><meta charset="utf-8"><meta name="viewport" '
        f'content="width=device-width,initial-scale=1"><title>{escape(title)}</title><style>{PAGE_STYLE}</style></head>'
        f'<body><main><h1>{escape(title)}</h1><dl>{about}</dl><table><thead><tr><th scope="col">'
        f'{escape(_("What was erased"))}</th><th scope="col">{escape(_("How much"))}</th></tr></thead>'
        f"<tbody>{rows}</tbody></table><p>{escape(stays)}</p></main></body></html>\n"
    ).encode()
