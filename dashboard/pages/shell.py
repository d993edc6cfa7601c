"""What surrounds every page: the header with its menus, and the footer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dashboard.auth import request
from dashboard.auth.sessions import User
from dashboard.pages.page import Body, Page
from dashboard.text.translate import LANGUAGES, _, language, n_
from dashboard.text.words import role_word
from dashboard.ui import addresses
from dashboard.ui.elements import Link, html
from dashboard.ui.signs import attrs, copy_button, hidden, note, sign
from models.access.accounts import AccountRole, roles_of
from models.access.people import pupil_name, school_name
from models.access.viewer import Role, Viewer
from models.ingest.connection_overview import pending_rosters
from models.schema import database

CONNECTIONS_PAGE = "connections"
LANGUAGE_NAMES = {"nl": "Nederlands", "en": "English"}


def page(current: str, pages: Sequence[Page], body: Body) -> list[Any]:
    """A whole page for who is signed in: header, an optional filter bar, content and footer.

    `current` is the name of the page whose menu entry is marked as current.
    """
    user = request.current_user()
    assert user is not None
    bars = [*_test_school(user), *([body.bar] if body.bar is not None else [])]
    waiting = [] if current == CONNECTIONS_PAGE else _pending_rosters(user.viewer)
    main = html.Main([*_flash_message(), *waiting, *body.children], id="main", className="page")
    return [_header(current, menu_pages(pages, user.viewer), user), *bars, main, footer()]


def footer() -> html.Footer:
    """The footer, with the link to the accessibility statement."""
    return html.Footer(Link(_("Accessibility"), href=addresses.ACCESSIBILITY), className="foot")


def _flash_message() -> list[Any]:
    """The outcome of the last form; the script gives it the focus when it appears."""
    message = request.take_flash()
    if message is None:
        return []
    well = message.well
    words = [html.P(message.sentence), *_details(message.details)]
    outcome = note("ok" if well else "fa", "check" if well else "cross", words, role="status")
    return [html.Div(outcome, id="told", tabIndex=-1, **attrs(data_well="true" if well else "false"))]


def _details(details: Sequence[tuple[str, str]]) -> list[Any]:
    """Texts to copy, each with its name and a button."""
    pairs = [
        part
        for name, text in details
        for part in (html.Dt(name), html.Dd([html.Code(text, className="copy"), copy_button(name)]))
    ]
    return [html.Dl(pairs, className="dl once")] if pairs else []


def _pending_rosters(viewer: Viewer) -> list[Any]:
    """For an administrator: that pupil lists wait for a decision, and why."""
    if not viewer.may_administer:
        return []
    with database.read_transaction(request.context().engine, viewer.school_id) as connection:
        waiting = pending_rosters(connection, viewer)
    if not waiting:
        return []
    reasons = [roster.sentence_nl if language() == "nl" else roster.sentence_en for roster in waiting]
    words = n_("A pupil list waits for your decision.", "{number} pupil lists wait for your decision.", len(waiting))
    link = Link(_("Decide on the page Connections"), href=f"{addresses.CONNECTIONS}#held")
    return [
        html.Div(
            note("wa", "flag", html.P([html.B(words), " ", *(f"{reason} " for reason in reasons), link])),
            className="noprint",
        )
    ]


def _header(current: str, pages: Sequence[Page], user: User) -> html.Header:
    """Brand, menu, and who is signed in."""
    choices = _choices(user)
    return html.Header(
        [
            Link(
                [html.I(className="logo", **attrs(aria_hidden="true")), "Rondblik"],
                href=pages[0].path,
                className="brand",
            ),
            html.Nav(_menu(current, pages), **attrs(aria_label=_("Main menu"))),
            _who(user, choices),
            html.Details(
                [
                    html.Summary([sign("menu"), _("Menu")], className="btn q"),
                    html.Nav([*_menu(current, pages), choices], className="pop", **attrs(aria_label=_("Main menu"))),
                ],
                className="burger",
            ),
        ],
        className="top",
    )


def _test_school(user: User) -> list[Any]:
    """That the data are those of a sandbox, and the way back to it."""
    if user.sandbox is None:
        return []
    sentence = _("The pupils are made up; their results came in at your test address.")
    return [
        html.Div(
            html.Form(
                [
                    html.P([sign("info"), html.Span([html.B(_("You are viewing a test school.")), " ", sentence])]),
                    html.Button([sign("back"), _("Back to the test address")], type="submit", className="btn"),
                ],
                action=f"{addresses.SANDBOXES}/{user.sandbox}/terug",
                method="POST",
            ),
            className="proofbar",
        )
    ]


def menu_pages(pages: Sequence[Page], viewer: Viewer) -> list[Page]:
    """The pages in the viewer's menu."""
    return [page for page in pages if page.in_menu_of is not None and page.in_menu_of(viewer)]


def _menu(current: str, pages: Sequence[Page]) -> list[Any]:
    return [
        Link(page.title(), href=page.path, className="")
        if page.name != current
        else html.Span(Link(page.title(), href=page.path), className="here", **attrs(aria_current="page"))
        for page in pages
    ]


def _who(user: User, choices: html.Div) -> html.Details:
    school = _school(user)
    role = " · ".join(part for part in (role_word(user.role), school) if part)
    return html.Details(
        [
            html.Summary(
                [html.Span([html.B(user.name), html.Span(role)]), sign("chev"), hidden(_("View as, language, colours"))]
            ),
            html.Div(choices, className="pop"),
        ],
        className="who",
        id="who",
    )


def _school(user: User) -> str | None:
    with database.read_transaction(request.context().engine) as connection:
        return school_name(connection, user.viewer)


def role_name(role: AccountRole) -> str:
    """What an account is to a school; of a parent also of whom, while they see that pupil."""
    word = role_word(role.role)
    if role.role is not Role.PARENT or role.pupil_id is None:
        return word
    viewer = Viewer(role.school_id, role.role, pupil_id=role.pupil_id)
    with database.read_transaction(request.context().engine, role.school_id) as connection:
        child = pupil_name(connection, viewer, role.pupil_id)
    return word if child is None else _("parent of {name}", name=child.first_name or child.name)


def _other_roles() -> list[Any]:
    """The other roles of an account, to go on in."""
    session = request.current_session()
    if session is None or session.account_id is None:
        return []
    with database.read_transaction(request.context().engine) as connection:
        own = roles_of(connection, session.account_id)
        roles = [role for role in own if role.id != session.role_id and session.speaks_for(role.school_id)]
    return [
        html.Form(
            html.Button(
                [html.B(role.school), html.Span(role_name(role))],
                type="submit",
                name="rol",
                value=str(role.id),
                className="pick",
            ),
            action=addresses.CHOOSE_ROLE,
            method="POST",
        )
        for role in roles
    ]


def _choices(present: User) -> html.Div:
    """The demo users or the other roles of the account, the languages, the colour schemes, and signing out."""
    options = request.context().options
    dark = request.scheme() == "dark"
    users = [
        html.Form(
            html.Button(
                [html.B(user.name), html.Span(role_word(user.role))],
                type="submit",
                name="persona",
                value=user.key,
                className="pick",
                **attrs(aria_current="true" if user == present else None),
            ),
            action=addresses.SWITCH_USER,
            method="POST",
        )
        for user in options.users
    ]
    users = users if len(users) > 1 else _other_roles()
    return html.Div(
        [
            *([html.P(_("Look as"), className="xs t3"), *users] if users else []),
            html.P(_("Language"), className="xs t3"),
            html.Div(
                [
                    html.Button(
                        LANGUAGE_NAMES[item],
                        className="pick",
                        lang=item,
                        **attrs(data_keep=f"{request.kept_as(request.LANGUAGE_COOKIE)}={item}"),
                        **attrs(aria_current="true" if item == language() else None),
                    )
                    for item in LANGUAGES
                ],
                className="two",
            ),
            html.P(_("Colours"), className="xs t3"),
            html.Div(
                [
                    html.Button(
                        word,
                        className="pick",
                        **attrs(data_keep=f"{request.kept_as(request.SCHEME_COOKIE)}={value}"),
                        **attrs(aria_current="true" if (value == "dark") == dark else None),
                    )
                    for value, word in (("light", _("Light")), ("dark", _("Dark")))
                ],
                className="two",
            ),
            html.Form(
                [
                    html.Button(_("Sign out"), type="submit", className="pick"),
                    html.Button(
                        _("Sign out everywhere"), type="submit", name=addresses.EVERYWHERE, value="1", className="pick"
                    ),
                ],
                action=addresses.SIGN_OUT,
                method="POST",
                className="two",
                **attrs(data_signs_out="true"),
            ),
        ],
        className="choices",
    )
