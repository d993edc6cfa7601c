"""Signing in, at an identity provider or with a local account, accepting an invitation, and choosing a role."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from urllib.parse import urlencode

import flask
from flask.typing import ResponseReturnValue

from connectors.openid.provider import Failure, SignInFailed
from dashboard.auth import audit_trail, request
from dashboard.auth.guard import ONWARD, Refused
from dashboard.auth.sessions import Entry
from dashboard.pages.shell import role_name
from dashboard.server import attempts, pending
from dashboard.server.banner import banner
from dashboard.server.pending import Pending
from dashboard.server.plain_page import link, paragraph, plain_page, required_fields
from dashboard.server.providers import NotOfSchool, Person, SignInProvider, TooWeak
from dashboard.text.translate import _
from dashboard.text.words import role_word
from dashboard.ui import addresses
from models.access import accounts, local_accounts
from models.access.accounts import AccountRole, Invitation
from models.access.audit import SignedIn
from models.access.viewer import Viewer
from models.schema.database import read_transaction, write_transaction
from models.schema.rate_limit import Rate, take_shared

BROWSER, TLS_BROWSER = "rondblik_signin", "__Host-rondblik-signin"
BROWSER_SECONDS = 600
INVITATION = "uitnodiging"
SIGN_OUT_AT = f"{addresses.SIGN_IN}/afmelden"  # with the key of a provider; asks that provider
MAX_PATH = 2000
_PATH = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]*", re.ASCII)
STARTS = Rate(
    3000, 600.0
)  # sign-ins at a provider from one address, behind which a few schools may be at half past eight


@dataclass(frozen=True, slots=True)
class SignIn:
    """How people sign in here: at these providers, and with a local account where there is one.

    `origin` is the public address of the program, without a path; None: that of the request.
    """

    providers: tuple[SignInProvider, ...]
    local: bool
    origin: str | None = None

    def provider(self, key: str) -> SignInProvider | None:
        """The provider with this key."""
        return next((provider for provider in self.providers if provider.settings.id == key), None)


def asks_provider(path: str) -> bool:
    """Whether the answer to a path may wait for a provider, or for a password to be verified."""
    return path == addresses.SIGN_IN or path.startswith(f"{addresses.SIGN_IN}/")


def register(server: flask.Flask, sign_in: SignIn | None) -> None:
    """The routes; without a way to sign in those are left out that need one."""
    server.add_url_rule(addresses.CHOOSE_ROLE, "choose_role", roles_page)
    server.add_url_rule(addresses.CHOOSE_ROLE, "take_role", take_role, methods=["POST"])
    if sign_in is None:
        return

    def bound(view: Callable[..., ResponseReturnValue]) -> Callable[..., ResponseReturnValue]:
        return lambda **values: view(sign_in, **values)

    server.add_url_rule(addresses.SIGN_IN, "sign_in", bound(sign_in_page))
    server.add_url_rule(addresses.SIGN_IN, "sign_in_locally", bound(sign_in_locally), methods=["POST"])
    server.add_url_rule(f"{addresses.SIGN_IN}/bij/<key>", "sign_in_at", bound(sign_in_at))
    server.add_url_rule(addresses.SIGN_IN_BACK, "signed_in", bound(come_back))
    server.add_url_rule(f"{SIGN_OUT_AT}/<key>", "sign_out_at", bound(sign_out_at))
    server.add_url_rule(f"{addresses.INVITATIONS}/<code>", "invitation", bound(invitation_page))


# -- the pages -------------------------------------------------------------------------------------------------


def sign_in_page(sign_in: SignIn) -> ResponseReturnValue:
    """The ways to sign in."""
    onward = _local_path(flask.request.args.get(ONWARD, ""))
    blocks = [
        link(_start(provider, onward), _("Sign in with {name}", name=provider.settings.name), "btn pri")
        for provider in sign_in.providers
    ]
    if sign_in.local:
        blocks.append(_local_form(onward, bool(sign_in.providers)))
    return plain_page(_("Sign in"), banner(), *blocks, scripts=True)


def _start(provider: SignInProvider, onward: str, invitation: str = "") -> str:
    values = {ONWARD: onward, INVITATION: invitation}
    query = urlencode({name: value for name, value in values.items() if value and value != addresses.HOME})
    return f"{addresses.SIGN_IN}/bij/{provider.settings.id}" + (f"?{query}" if query else "")


def _local_form(onward: str, folded: bool) -> str:
    """The form for a local account; folded away where most people sign in at a provider."""
    fields = (
        ("gebruiker", _("User name"), 'autocomplete="username"'),
        ("wachtwoord", _("Password"), 'type="password" autocomplete="current-password"'),
        ("code", _("Code of your app, or a recovery code"), 'autocomplete="one-time-code"'),
    )
    form = (
        f'<form method="post" action="{addresses.SIGN_IN}">'
        f'<input type="hidden" name="{ONWARD}" value="{escape(onward)}">'
        f'{required_fields(fields)}<button class="btn pri">{escape(_("Sign in"))}</button></form>'
    )
    title = escape(_("With a local account"))
    return f"<details><summary>{title}</summary>{form}</details>" if folded else form


def invitation_page(sign_in: SignIn, code: str) -> ResponseReturnValue:
    """Whom an invitation makes what, and the ways to sign in that can accept it."""
    with read_transaction(request.context().engine) as connection:
        invitation = accounts.find_invitation(connection, code)
    if invitation is None:
        raise _no_invitation()
    ways = [provider for provider in sign_in.providers if invitation.school_id in provider.school_ids]
    sentence = _(
        "You are invited as {role} at {school}. Sign in to accept.",
        role=role_word(invitation.role).lower(),
        school=invitation.school,
    )
    blocks = [
        link(_start(provider, "", code), _("Sign in with {name}", name=provider.settings.name), "btn pri")
        for provider in ways
    ]
    if not blocks:
        blocks = [paragraph(_("There is no way to sign in for this school yet; tell the person who invited you."))]
    return plain_page(_("Invitation"), paragraph(sentence), *blocks)


def _no_invitation() -> Refused:
    sentence = _("This invitation was used, was withdrawn or has expired.")
    return Refused(sentence, 404, "invitation", _("Ask the administrator of your school for a new one."))


# -- at a provider ---------------------------------------------------------------------------------------------


def sign_in_at(sign_in: SignIn, key: str) -> ResponseReturnValue:
    """Send the browser to a provider."""
    # Not at the start: it takes a seventh of it, and many installations have no provider.
    from connectors.openid.client import authorization_url

    provider, context = sign_in.provider(key), request.context()
    if provider is None:
        flask.abort(404)
    _limit_starts()
    arguments = flask.request.args
    begun = Pending(
        key, pending.new_secrets(), _local_path(arguments.get(ONWARD, "")), arguments.get(INVITATION, "")[:MAX_PATH]
    )
    try:
        url = authorization_url(provider.client, _redirect_uri(sign_in), begun.secrets)
    except SignInFailed as failed:
        raise _refused(failed.failure, provider) from None
    browser = flask.request.cookies.get(_browser_cookie()) or secrets.token_urlsafe(32)
    pending.begin(context.engine, context.cipher, browser, begun)
    answer = flask.redirect(url, 302)
    secure = flask.request.is_secure
    answer.set_cookie(
        _browser_cookie(), browser, max_age=BROWSER_SECONDS, httponly=True, secure=secure, samesite="Lax", path="/"
    )
    return answer


def come_back(sign_in: SignIn) -> ResponseReturnValue:
    """The browser comes back from a provider: who is it, and as what do they go on."""
    from connectors.openid.client import claims_of

    arguments, context = flask.request.args, request.context()
    browser, state = flask.request.cookies.get(_browser_cookie(), ""), arguments.get("state", "")
    begun = pending.take(context.engine, context.cipher, browser, state) if flask.request.method == "GET" else None
    provider = None if begun is None else sign_in.provider(begun.provider)
    if begun is None or provider is None:
        sentence = _("This sign-in was finished before, took too long, or was begun in another browser.")
        raise Refused(sentence, 403, "sign-in state", _again())
    if arguments.get("iss", provider.settings.issuer) != provider.settings.issuer:
        raise _refused(Failure.ISSUER, provider)
    if "code" not in arguments:
        sentence = _("You did not finish signing in with {name}.", name=provider.settings.name)
        raise Refused(sentence, 403, "sign-in not finished", _again())
    try:
        claims = claims_of(provider.client, _redirect_uri(sign_in), begun.secrets, arguments["code"], provider.wanted)
        person = provider.person(claims)
    except SignInFailed as failed:
        raise _refused(failed.failure, provider) from None
    except NotOfSchool as other:
        raise _not_of_school(other, provider) from None
    except TooWeak:
        sentence = _("{name} does not say that you signed in with a second step.", name=provider.settings.name)
        remedy = _("Set up that step there, and sign in again. If it goes on, tell your administrator.")
        raise Refused(sentence, 403, "sign-in strength", remedy) from None
    account_id, roles = _account_of(provider, person, begun)
    return _enter(account_id, roles, begun.onward, person.school_ids, begun.provider)


def _account_of(provider: SignInProvider, person: Person, begun: Pending) -> tuple[int, list[AccountRole]]:
    """The account of a person with its roles at the schools of the sign-in.

    Raises Refused where their invitation is not of their school.
    """
    context = request.context()
    with write_transaction(context.engine, raises_version=False) as connection:
        account_id = accounts.signed_in(
            connection, context.cipher, provider.settings.issuer, person.subject, person.name
        )
        before = accounts.roles_of(connection, account_id)
        if begun.invitation:
            invitation = accounts.find_invitation(connection, begun.invitation)
            if invitation is None:
                raise _no_invitation()
            if invitation.school_id not in person.school_ids:
                raise _invited_elsewhere(invitation, provider)
            accounts.accept(connection, account_id, invitation)
        if person.mail is not None:
            accounts.accept_by_mail(connection, context.cipher, account_id, person.mail, person.school_ids)
        roles = accounts.roles_of(connection, account_id)
    for role in set(roles).difference(before):
        _record(role, "role begun")
    return account_id, [role for role in roles if role.school_id in person.school_ids]


def _invited_elsewhere(invitation: Invitation, provider: SignInProvider) -> Refused:
    sentence = _(
        "The invitation is for {school}, and {name} says that you belong to another school.",
        school=invitation.school,
        name=provider.settings.name,
    )
    return Refused(sentence, 403, "sign-in school", _("Sign in with your account of that school."))


def _not_of_school(other: NotOfSchool, provider: SignInProvider) -> Refused:
    remedy = _(
        "Sign in with your account of a school that is known here, or ask its administrator which account that is."
    )
    if other.by == "brin":
        sentence = _(
            "{name} says that you belong to a school that is not known here, or does not say to which.",
            name=provider.settings.name,
        )
        return Refused(sentence, 403, "sign-in school", remedy)
    sentence = _(
        "Your account at {name} belongs to an organisation that is not known here.", name=provider.settings.name
    )
    return Refused(sentence, 403, "sign-in tenant", remedy)


def _refused(failure: Failure, provider: SignInProvider) -> Refused:
    """What to do about a sign-in that failed; what an operator has to do names the setting."""
    name = provider.settings.name
    sentence, remedy = {
        Failure.UNREACHABLE: (_("{name} does not answer now.", name=name), _("Try again in a few minutes.")),
        Failure.CODE: (_("The answer of {name} was used before or is too old.", name=name), _again()),
        Failure.EXPIRED: (
            _("The answer of {name} is too old, or dated in the future.", name=name),
            _("Sign in again. If it goes on, tell your administrator: a clock is wrong."),
        ),
        Failure.NONCE: (_("The answer of {name} belongs to another sign-in.", name=name), _again()),
        Failure.ISSUER: (_("The answer does not come from {name}.", name=name), _operator("issuer")),
        Failure.AUDIENCE: (
            _("The answer of {name} is meant for another program.", name=name),
            _operator("client_id"),
        ),
        Failure.SIGNATURE: (_("The answer of {name} is not signed as it must be.", name=name), _operator("algorithm")),
        Failure.ANSWER: (_("The answer of {name} is not as it must be.", name=name), _operator("client_secret")),
    }[failure]
    return Refused(sentence, 503 if failure is Failure.UNREACHABLE else 403, f"sign-in {failure.value}", remedy)


def _again() -> str:
    return _("Sign in again.")


def _operator(setting: str) -> str:
    return _("Tell your administrator: the setting {setting} of this way to sign in may be wrong.", setting=setting)


def sign_out_at(sign_in: SignIn, key: str) -> ResponseReturnValue:
    """Send the browser to a provider to sign out there too; a sentence where that has no address for it."""
    from connectors.openid.client import end_session_url

    provider = sign_in.provider(key)
    if provider is None:
        flask.abort(404)
    _limit_starts()
    try:
        url = end_session_url(provider.client, _own_address(sign_in, addresses.SIGNED_OUT))
    except SignInFailed as failed:
        raise _refused(failed.failure, provider) from None
    if url is not None:
        return flask.redirect(url, 302)
    name = provider.settings.name
    remedy = _(
        "{name} offers no way to sign out from here. Sign out on a page of {name} itself; on a computer that others "
        "use, close the browser too.",
        name=name,
    )
    return plain_page(_("You are still signed in with {name}", name=name), paragraph(remedy))


def _limit_starts() -> None:
    """Raises Refused where this address had providers asked too often: anybody may, without a session."""
    context, about = request.context(), f"starts {attempts.network()}"
    if not take_shared(context.engine, context.cipher.digest("rate", about), STARTS):
        sentence = _("Too many people began to sign in from here at once.")
        raise Refused(sentence, 429, "sign-in starts", _("Wait a minute and try again."))


def _redirect_uri(sign_in: SignIn) -> str:
    return _own_address(sign_in, addresses.SIGN_IN_BACK)


def _own_address(sign_in: SignIn, path: str) -> str:
    return (sign_in.origin or flask.request.host_url.rstrip("/")) + path


def _browser_cookie() -> str:
    return TLS_BROWSER if flask.request.is_secure else BROWSER


# -- with a local account --------------------------------------------------------------------------------------


def sign_in_locally(sign_in: SignIn) -> ResponseReturnValue:
    """Sign in with a name, a password and a code; few attempts."""
    form, context = flask.request.form, request.context()
    user = form.get("gebruiker", "").strip()
    if not sign_in.local:
        flask.abort(404)
    if not attempts.may_try(user):
        sentence = _("There were too many attempts.")
        raise Refused(sentence, 429, "sign-in attempts", _("Wait a quarter of an hour and try again."))
    password, code = form.get("wachtwoord", ""), form.get("code", "")
    may_try_code = attempts.may_try_code(user)
    account_id = local_accounts.check(context.engine, context.cipher, user, password, code, may_try_code)
    if account_id is None:
        sentence = _("User name, password or code is not right; a code works once.")
        raise Refused(sentence, 403, "sign-in local", _("Try again with a new code."))
    with read_transaction(context.engine) as connection:
        roles = accounts.roles_of(connection, account_id)
    answer = flask.make_response(_enter(account_id, roles, _local_path(form.get(ONWARD, ""))))
    attempts.remember_browser(answer, user)
    return answer


# -- roles -----------------------------------------------------------------------------------------------------


def _enter(
    account_id: int,
    roles: list[AccountRole],
    onward: str,
    school_ids: frozenset[int] | None = None,
    provider: str | None = None,
) -> ResponseReturnValue:
    """Start the session of an account: in its only role, or to choose one, or to read that there is none.

    `school_ids` are those that the sign-in may speak for; None: any. `provider` is where it was.
    """
    only = roles[0].id if len(roles) == 1 else None
    request.sign_in_as(Entry.of_account(account_id, only, school_ids, provider))
    if only is not None:
        _record(roles[0], "signed in")
    return flask.redirect(onward if only is not None else addresses.CHOOSE_ROLE, 303)


def roles_page() -> ResponseReturnValue:
    """The roles of an account to choose from; what to do where there is none."""
    roles = _own_roles()
    if not roles:
        sentence = _("You are signed in, but have no role at a school here yet.")
        remedy = _(
            "Ask the administrator of your school for an invitation, and open the address in it. If you had a role "
            "before, it has ended."
        )
        return plain_page(sentence, banner(), paragraph(remedy), _sign_out_form(), scripts=True)
    buttons = "".join(
        f'<button class="btn" name="rol" value="{role.id}">{escape(f"{role_name(role)} · {role.school}")}</button>'
        for role in roles
    )
    form = f'<form method="post" action="{addresses.CHOOSE_ROLE}">{buttons}</form>'
    return plain_page(_("In which role do you want to continue?"), banner(), form, _sign_out_form(), scripts=True)


def _sign_out_form() -> str:
    button = f'<button class="btn q">{escape(_("Sign out"))}</button>'
    return f'<form method="post" action="{addresses.SIGN_OUT}" data-signs-out>{button}</form>'


def take_role() -> ResponseReturnValue:
    """Go on in another role of the same account."""
    chosen = flask.request.form.get("rol", "")
    role = next((role for role in _own_roles() if str(role.id) == chosen), None)
    if role is None:
        raise Refused(_("You no longer have this role."), 403, "role")
    session = request.current_session()
    assert session is not None
    request.sign_in_as(Entry.of_account(role.account_id, role.id, session.school_ids, session.provider))
    _record(role, "signed in")
    return flask.redirect(addresses.HOME, 303)


def _record(role: AccountRole, action: str) -> None:
    """Note in the audit log of the school that an account got this role, or looks in it from now on."""
    key = Entry.of_account(role.account_id, role.id).user_key
    audit_trail.record(SignedIn(action), Viewer(role.school_id, role.role, role.teacher_id, user_key=key))


def _own_roles() -> list[AccountRole]:
    session, context = request.current_session(), request.context()
    if session is None or session.account_id is None:
        raise Refused(_("Sign in first."), 403, "no account")
    with read_transaction(context.engine) as connection:
        roles = accounts.roles_of(connection, session.account_id)
    return [role for role in roles if session.speaks_for(role.school_id)]


def _local_path(text: str) -> str:
    """A path of ours to go to; the start page for anything else."""
    return text if len(text) <= MAX_PATH and _PATH.fullmatch(text) else addresses.HOME
