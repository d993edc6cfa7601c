"""The events of the audit log in words."""

from __future__ import annotations

from typing import assert_never

from dashboard.text.translate import _, n_
from dashboard.text.words import term_word
from models.access.audit import Administered, Event, Exported, Looked, RetentionSet, SetForClass, SignedIn, WroteAbout


def _screens() -> dict[str, str]:
    return {
        "class": _("Class"),
        "my pupils": _("My pupils"),
        "hand-over": _("Hand-over"),
        "signals": _("Signals"),
        "pupil": _("Pupil"),
        "talk sheet": _("Conversation sheet"),
        "own results": _("Page with own results"),
        "links of pupils": _("Linking pupils"),
        "whole file": _("All data about a pupil"),
    }


def actions() -> dict[str, str]:
    """The words of every action that an event has, by its key."""
    return {
        "note written": _("Wrote a note"),
        "note corrected": _("Corrected a note"),
        "note withdrawn": _("Withdrew a note"),
        "agreement settled": _("Settled an agreement"),
        "goal set": _("Set a goal"),
        "goal ended": _("Ended a goal"),
        "signal seen": _("Signal: seen"),
        "signal discussed": _("Signal: discussed"),
        "signal agreed": _("Signal: agreed"),
        "signal not_needed": _("Signal: not needed"),
        "signal reopened": _("Signal: opened again"),
        "thresholds": _("Set thresholds of a class"),
        "due date": _("Set a date for a class"),
        "invitation made": _("Invited somebody"),
        "invitation withdrawn": _("Withdrew an invitation"),
        "role given": _("Gave somebody a role"),
        "role ended": _("Ended a role"),
        "sessions ended": _("Signed somebody out"),
        "own page shown": _("Switched the page for pupils and parents on"),
        "own page hidden": _("Switched the page for pupils and parents off"),
        "leaders read results": _("Let school leaders read names and results"),
        "leaders read figures": _("Let school leaders read figures only"),
        "subject school marked": _("Marked the school as one with subject teachers"),
        "subject school unmarked": _("Marked the school as one without subject teachers"),
        "taught subject set": _("Set a subject of a teacher"),
        "taught subject removed": _("Removed a subject of a teacher"),
        "stand-in given": _("Let somebody stand in"),
        "stand-in ended": _("Ended standing in"),
        "connection asked again": _("Asked a source again"),
        "connection stopped": _("Stopped a connection"),
        "connection goes on": _("Resumed a connection"),
        "sender added": _("Added a publisher that sends results"),
        "sender key added": _("Made a key for a publisher"),
        "sender key revoked": _("Revoked a key of a publisher"),
        "sender terms changed": _("Changed what is agreed with a publisher"),
        "connection tried": _("Tried out a connection"),
        "connection in use": _("Took a connection in use"),
        "connection changes dropped": _("Dropped changes of a connection"),
        "connection added": _("Added a connection"),
        "connection removed": _("Removed a connection"),
        "store key replaced": _("Replaced the key of the store"),
        "connection agreement changed": _("Changed mandate and agreement of a connection"),
        "identifier linked": _("Linked a number to a pupil"),
        "identifiers linked by file": _("Linked numbers to pupils by file"),
        "link undone": _("Undid a link"),
        "subject assigned": _("Assigned a subject"),
        "subject taken away": _("Removed a subject"),
        "pupil list applied": _("Applied a pupil list"),
        "pupil list not used": _("Did not use a pupil list"),
        "refused message: refused": _("Opened a refused message"),
        "refused message: replay": _("Checked a refused message again"),
        "pupil data given": _("Wrote all data about a pupil to files"),
        "erasure counted": _("Had it counted what erasing a pupil deletes"),
        "erasure asked for": _("Asked for a pupil to be erased"),
        "pupil erased": _("Erased a pupil"),
        "past retention": _("Deleted what was past its retention"),
        "legal hold placed": _("Placed a legal hold"),
        "legal hold ended": _("Ended a legal hold"),
        "signed in": _("Signed in"),
        "role begun": _("Got a role by signing in"),
        "signed out": _("Signed out"),
        "password changed": _("Changed the own password"),
    }


def event_words(event: Event) -> str:
    """What somebody did, and how many pupils it concerned."""
    number = len(event.pupil_ids)
    concerned = f" · {n_('{number} pupil', '{number} pupils', number)}" if number else ""
    return _done_words(event) + concerned


def _done_words(event: Event) -> str:
    match event:
        case Looked():
            return _("Looked at: {screen}", screen=_screens().get(event.screen, event.screen))
        case Exported():
            return _("Saved as {file_format}: {screen}", file_format=event.file_format, screen=_screens()[event.screen])
        case RetentionSet():
            days = (event.left_days, event.unmatched_days, event.refused_days, event.accepted_days)
            return _(
                "Retention changed: pupils who left {left}, results of nobody {unmatched}, refused messages {refused}, "
                "accepted messages {accepted}",
                **dict(zip(("left", "unmatched", "refused", "accepted"), map(term_word, days), strict=True)),
            )
        case WroteAbout() | SetForClass() | Administered() | SignedIn():
            return actions().get(event.action, event.action)
        case _:
            assert_never(event)
