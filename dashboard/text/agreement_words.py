"""What the fields of the agreement about a connection are called."""

from __future__ import annotations

from dashboard.text.translate import _
from models.schema.terms import Agreement


def field_word(name: str) -> str:
    """What a field of an agreement is called."""
    return {
        "mandate": _("Who gave the mandate"),
        "mandate_on": _("Date of the mandate"),
        "agreement_on": _("Date of the processor agreement"),
        "purpose": _("Purpose"),
        "categories": _("Categories of data"),
    }[name]


def missing_words(agreement: Agreement) -> str | None:
    """What is not filled in, in one line; None where all is."""
    if not agreement.missing:
        return None
    names = ", ".join(field_word(name).lower() for name in agreement.missing)
    return _("Not filled in yet: {names}.", names=names)
