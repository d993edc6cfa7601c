"""The page of accounts: who has which role, who stands in until when, which invitations are open; with their forms."""

from __future__ import annotations

from typing import Any

from dashboard.auth import request
from dashboard.pages.page import Body, Page, administers
from dashboard.text.translate import _, day_name, moment
from dashboard.text.words import class_in_sentence, class_word, role_word
from dashboard.ui import addresses
from dashboard.ui.elements import html
from dashboard.ui.fields import text_field
from dashboard.ui.markup import block
from dashboard.ui.plain_table import plain_table
from dashboard.ui.signs import KEEP_DRAFT, card, note
from models.access import accounts, stand_ins
from models.access.accounts import BY_MAIL, INVITED_ROLES, Invitation, SchoolAccount
from models.access.people import ClassRef, classes_by_name
from models.access.stand_ins import StandIn
from models.access.viewer import Viewer
from models.schema import database


def title(**_address: object) -> str:
    """The title of the page."""
    return _("Accounts")


def frame() -> Body:
    """The page without data."""
    return Body([])


def layout(viewer: Viewer, /, **_query: object) -> Body:
    """The whole page."""
    with database.read_transaction(request.context().engine, viewer.school_id) as connection:
        roles = accounts.accounts_of_school(connection, viewer)
        invitations = accounts.open_invitations(connection, viewer)
        teachers = accounts.teacher_names(connection, viewer)
        standing_in = stand_ins.stand_ins_of_school(connection, viewer)
        candidates = stand_ins.candidates(connection, viewer)
        classes = classes_by_name(connection, viewer)
    explanation = _(
        "Whoever signs in sees nothing until you give them a role. Teachers see their own groups of the pupil list."
    )
    return Body(
        [
            html.Div(html.Div([html.H1(_("Accounts")), html.P(explanation)]), className="head"),
            *([] if request.context().options.signs_in else [_nobody_signs_in()]),
            card(_("Who has access"), [_roles(roles)], id="roles"),
            card(
                _("Stand-ins"),
                [_stand_ins(standing_in), _stand_in_form(candidates, classes)],
                className="mt",
                id="stand-ins",
            ),
            card(_("Invitations"), [_invitations(invitations), _form(teachers)], className="mt", id="invitations"),
        ]
    )


def _nobody_signs_in() -> html.Div:
    sentence = _("People do not sign in here yet: the operator fills in sign_in in the configuration.")
    return note("wa", "info", html.P(sentence))


def has_in_menu(viewer: Viewer) -> bool:
    """For administrators, where people sign in."""
    return administers(viewer) and request.context().options.signs_in


def refusal() -> Body:
    """The page for who is no administrator."""
    sentence = html.P([html.B(_("This page is for administrators only."))])
    return Body([html.Div(html.Div(html.H1(_("Accounts"))), className="head"), note("", "lock", sentence)])


def _roles(roles: list[SchoolAccount]) -> Any:
    if not roles:
        return html.P(_("Nobody has an account here yet."), className="t2 sm")
    heads = [_("Name"), _("Role"), _("In the pupil list"), _("Since"), _("Given by"), _("Last signed in"), ""]
    return plain_table(_("Who has access"), heads, [_role_row(role) for role in roles])


def _role_row(role: SchoolAccount) -> list[Any]:
    by = _("mail address in the pupil list") if role.granted_by == BY_MAIL else role.granted_by
    since, seen = moment(role.granted_us), moment(role.signed_in_us)
    end = _button("einde", role.role_id, _("End"))
    return [role.name, role_word(role.role), role.teacher or "–", since, by, seen, end]


def _stand_ins(standing_in: list[StandIn]) -> Any:
    if not standing_in:
        return html.P(_("Nobody stands in now."), className="t2 sm")
    rows = [
        [
            item.name,
            class_in_sentence(item.class_name),
            day_name(item.until_on),
            item.granted_by,
            moment(item.granted_us),
            _button("invallen/einde", item.id, _("End")),
        ]
        for item in standing_in
    ]
    heads = [_("Name"), _("Class"), _("Until and including"), _("Given by"), _("Since"), ""]
    return plain_table(_("Stand-ins"), heads, rows)


def _stand_in_form(candidates: list[SchoolAccount], classes: list[ClassRef]) -> html.Details:
    people = [html.Option(f"{item.name} · {role_word(item.role)}", value=str(item.role_id)) for item in candidates]
    choices = [html.Option(class_word(item.name), value=str(item.id)) for item in classes]
    about = _("Somebody without an account here is invited first, as stand-in.")
    return html.Details(
        [
            html.Summary(_("Give a stand-in a class"), className="btn q"),
            html.Form(
                [
                    html.P(about, className="sm t2"),
                    html.Label(_("Who"), htmlFor="stand-in-who", className="lab"),
                    block(html.Select(people, name="wie", id="stand-in-who", className="native")),
                    html.Label(_("Class"), htmlFor="stand-in-class", className="lab"),
                    block(html.Select(choices, name="groep", id="stand-in-class", className="native")),
                    text_field(_("Until and including"), "tot", placeholder=_("dd-mm-yyyy"), required=True),
                    html.Button(_("Save"), type="submit", className="btn pri"),
                ],
                action=f"{addresses.ACCOUNTS}/invallen",
                method="POST",
                className="form",
                **KEEP_DRAFT,
            ),
        ],
        className="fold_",
        id="stand-in",
    )


def _invitations(invitations: list[Invitation]) -> Any:
    if not invitations:
        return html.P(_("No invitation is open."), className="t2 sm")
    rows = [
        [
            item.name,
            role_word(item.role),
            _("by address or mail") if item.by_mail else _("by address"),
            moment(item.until_us),
            _button("intrekken", item.id, _("Withdraw")),
        ]
        for item in invitations
    ]
    return plain_table(_("Invitations"), [_("For"), _("Role"), _("How to accept"), _("Until"), ""], rows)


def _button(action: str, number: int, words: str) -> html.Form:
    button = html.Button(words, type="submit", name="nummer", value=str(number), className="btn q small")
    return html.Form(button, action=f"{addresses.ACCOUNTS}/{action}", method="POST")


def _form(teachers: list[tuple[int, str]]) -> html.Details:
    roles = [html.Option(role_word(role), value=role.value) for role in INVITED_ROLES]
    nobody = html.Option(_("nobody"), value="")
    known = [nobody, *(html.Option(name, value=str(number)) for number, name in teachers)]
    mail_hint = _(
        "Optional: whoever signs in with this address at the school's own provider needs no invitation address."
    )
    return html.Details(
        [
            html.Summary(_("Invite somebody"), className="btn q"),
            html.Form(
                [
                    text_field(_("Name"), "naam", required=True),
                    html.Label(_("Role"), htmlFor="invite-role", className="lab"),
                    block(html.Select(roles, name="rol", id="invite-role", className="native")),
                    html.Label(_("In the pupil list"), htmlFor="invite-teacher", className="lab"),
                    block(html.Select(known, name="leraar", id="invite-teacher", className="native")),
                    text_field(_("Mail address"), "mail", description=mail_hint),
                    html.Button(_("Make invitation"), type="submit", className="btn pri"),
                ],
                action=addresses.ACCOUNTS,
                method="POST",
                className="form",
                **KEEP_DRAFT,
            ),
        ],
        className="fold_",
        id="invite",
    )


PAGE = Page(
    "accounts",
    addresses.ACCOUNTS,
    title,
    layout,
    frame,
    may_see=administers,
    refusal=refusal,
    in_menu_of=has_in_menu,
)
