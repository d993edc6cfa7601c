"""What the rows of each table are called where it is said what erasing a pupil deletes."""

from __future__ import annotations

from dashboard.text.translate import _


def erased_kinds() -> dict[str, str]:
    """The words by the name of the table, in the order in which they are shown."""
    return {
        "pupils": _("pupil"),
        "identifiers": _("identifiers of the pupil, such as the ECK iD"),
        "identifier_links": _("links by hand"),
        "memberships": _("memberships of groups"),
        "results": _("results"),
        "result_history": _("earlier values of results"),
        "goals": _("goals"),
        "notes": _("notes and agreements"),
        "signal_marks": _("settled signals"),
        "legal_holds": _("legal holds that ended"),
        "account_roles": _("roles of the pupil and the parents, ended"),
        "accounts": _("accounts of the pupil and the parents, without a name from now on"),
        "invitations": _("invitations of the pupil and the parents"),
        "raw_messages": _("messages kept as they came, deleted whole"),
        "deliveries": _("deliveries whose findings named a result"),
        "rosters": _("waiting pupil lists, without this pupil from now on"),
        "work_queue": _("requests of pages and checks, deleted whole"),
        "kept_sheets": _("kept screens of the school, deleted whole"),
        "form_outcomes": _("answers to forms that were sent"),
        "sessions": _("messages that waited for a next page, and sessions of the pupil and the parents"),
    }
