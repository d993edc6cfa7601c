"""The page of accounts: who has which role, who stands in, which invitations are open, who reads what; with forms."""

from __future__ import annotations

from typing import Any

from dashboard.auth import request
from dashboard.pages.accounts.subject_teachers import subject_teachers_card
from dashboard.pages.accounts.switch import switch_form
from dashboard.pages.page import Body, Page, administers
from dashboard.text.translate import _, day_name, moment
from dashboard.text.words import class_in_sentence, class_word, role_word
from dashboard.ui import addresses
from dashboard.ui.class_links import class_links, read_class
from dashboard.ui.elements import html
from dashboard.ui.fields import select_field, text_field
from dashboard.ui.matrix_table import pupil_word
from dashboard.ui.plain_table import plain_table
from dashboard.ui.signs import KEEP_DRAFT, card, note
from models.access import accounts, local_accounts, stand_ins
from models.access.accounts import BY_MAIL, INVITED_ROLES, LINKED_TO_PUPIL, Invitation, SchoolAccount
from models.access.people import ClassRef, PupilName, classes_by_name, names_in_class
from models.access.stand_ins import StandIn
from models.access.viewer import Viewer
from models.results.own_subjects import is_subject_school, subject_teachers
from models.schema import database


def title(**_address: object) -> str:
    """The title of the page."""
    return _("Accounts")


def frame() -> Body:
    """The page without data."""
    return Body([])


def layout(viewer: Viewer, /, klas: object = None, **_query: object) -> Body:
    """The whole page; of the class that the address names a pupil or parent can be invited."""
    with database.read_transaction(request.context().engine, viewer.school_id) as connection:
        roles = accounts.accounts_of_school(connection, viewer)
        invitations = accounts.open_invitations(connection, viewer)
        teachers = accounts.teacher_names(connection, viewer)
        standing_in = stand_ins.stand_ins_of_school(connection, viewer)
        candidates = stand_ins.candidates(connection, viewer)
        classes = classes_by_name(connection, viewer)
        own_page, leaders = accounts.shows_own_page(connection, viewer), accounts.leaders_read(connection, viewer)
        marked, limited = is_subject_school(connection, viewer), subject_teachers(connection, viewer)
        session = request.current_session()
        account_id = None if session is None else session.account_id
        has_password = account_id is not None and local_accounts.has_password(connection, account_id)
        class_ref = read_class(klas, classes) if own_page else None
        pupils = [] if class_ref is None else names_in_class(connection, viewer, class_ref.id)
    explanation = _(
        "Whoever signs in sees nothing until you give them a role. Teachers see their own groups of the pupil list."
    )
    return Body(
        [
            html.Div(
                html.Div([html.H1(_("Accounts")), html.P([explanation, *(_to_password() if has_password else [])])]),
                className="head",
            ),
            *([] if request.context().options.signs_in else [_nobody_signs_in()]),
            card(_("Who has access"), [_roles(roles)], id="roles"),
            card(
                _("Stand-ins"),
                [_stand_ins(standing_in), _stand_in_form(candidates, classes)],
                className="mt",
                id="stand-ins",
            ),
            card(_("Invitations"), [_invitations(invitations), _form(teachers)], className="mt", id="invitations"),
            subject_teachers_card(marked, limited),
            card(_("School leaders"), [_leaders(leaders)], className="mt", id="leaders"),
            card(
                _("Page for pupils and parents"),
                [_own_page(own_page), *([_invite_from_class(classes, class_ref, pupils)] if own_page else [])],
                className="mt",
                id="own-page",
            ),
        ]
    )


def _to_password() -> list[Any]:
    """For who signed in with a local account."""
    return [" ", html.A(_("Change your password"), href=addresses.PASSWORD)]


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
    buttons = [_button("afmelden", role.role_id, _("Sign out")), _button("einde", role.role_id, _("End"))]
    return [
        role.name, role_word(role.role), role.in_roster or "–", since, by, seen, html.Div(buttons, className="acts"),
    ]  # fmt: skip


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
                    *select_field(_("Who"), "wie", "stand-in-who", people),
                    *select_field(_("Class"), "groep", "stand-in-class", choices),
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


def _own_page(shown: bool) -> html.Form:
    """Whether pupils and parents see the page with own results."""
    about = _(
        "Whoever you invite as a pupil, or as a parent of one, sees that pupil's own results and goals, and the "
        "agreements that a teacher wrote for them too: no notes, no signals, no other pupils."
    )
    state = _("The page is on.") if shown else _("The page is off: pupils and parents see nothing.")
    return switch_form("leerlingpagina", about, state, shown)


def _leaders(reading: bool) -> html.Form:
    """Whether school leaders read names and results."""
    about = _(
        "School leaders see figures per class, without names. You can let them read the names and results of all "
        "pupils, signals and goals too; they read no notes and change nothing."
    )
    on = _("School leaders read names and results.")
    state = on if reading else _("School leaders read figures only.")
    return switch_form("schoolleiders", about, state, reading)


def _invite_from_class(classes: list[ClassRef], chosen: ClassRef | None, pupils: list[PupilName]) -> html.Div:
    """The form that invites a pupil or parent: first the class, then the pupil."""
    number = "" if chosen is None else addresses.number(chosen.id)
    links = class_links(classes, number, lambda value: f"{addresses.ACCOUNTS}?klas={value}#own-page")
    return html.Div(
        [
            html.H3(_("Invite a pupil or a parent"), className="mt"),
            html.P(_("Choose a class first."), className="sm t2"),
            links,
            *([_pupil_form(pupils)] if chosen is not None else []),
        ]
    )


def _pupil_form(pupils: list[PupilName]) -> html.Form:
    choices = [
        html.Option(_("Choose a pupil"), value=""),  # so that nobody invites for the first by mistake
        *(html.Option(pupil_word(pupil), value=str(pupil.id)) for pupil in pupils),
    ]
    roles = [html.Option(role_word(role), value=role.value) for role in LINKED_TO_PUPIL]
    return _invitation_form(
        [
            *select_field(_("Pupil"), "leerling", "invite-pupil", choices),
            *select_field(_("Role"), "rol", "invite-pupil-role", roles),
            text_field(_("Name"), "naam", required=True),
        ],
        id="pupil-invitation",  # its draft is not that of the other form
    )


def _form(teachers: list[tuple[int, str]]) -> html.Details:
    roles = [html.Option(role_word(role), value=role.value) for role in INVITED_ROLES]
    nobody = html.Option(_("nobody"), value="")
    known = [nobody, *(html.Option(name, value=str(number)) for number, name in teachers)]
    return html.Details(
        [
            html.Summary(_("Invite somebody"), className="btn q"),
            _invitation_form(
                [
                    text_field(_("Name"), "naam", required=True),
                    *select_field(_("Role"), "rol", "invite-role", roles),
                    *select_field(_("In the pupil list"), "leraar", "invite-teacher", known),
                ]
            ),
        ],
        className="fold_",
        id="invite",
    )


def _invitation_form(fields: list[Any], **more: str) -> html.Form:
    """A form that makes an invitation, with these fields and the mail address."""
    mail_hint = _(
        "Optional: whoever signs in with this address at the school's own provider needs no invitation address."
    )
    return html.Form(
        [
            *fields,
            text_field(_("Mail address"), "mail", description=mail_hint),
            html.Button(_("Make invitation"), type="submit", className="btn pri"),
        ],
        action=addresses.ACCOUNTS,
        method="POST",
        className="form mt",
        **KEEP_DRAFT,
        **more,
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
