"""What the vendor pages share: notices, tokens, untrusted texts, findings and the command line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from dashboard.auth import request
from dashboard.text.translate import _, language
from dashboard.ui import addresses
from dashboard.ui.elements import html
from dashboard.ui.signs import note, sign, state
from models.sandbox.requirements import RULE

COMMAND = "rondblik check bericht.xml --junit uit.xml"
NOT_NOW, OFTEN, FULL = "niet", "vaak", "vol"  # in an address: why a request was refused
_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,64}")


def read_token(value: object) -> str | None:
    """The token of an address; None where it cannot be one."""
    return value if isinstance(value, str) and _TOKEN.fullmatch(value) else None


def token_of_path(path: object, folder: str) -> str | None:
    """The token after `folder` in a path; None where there is none."""
    if not isinstance(path, str) or not path.startswith(f"{folder}/"):
        return None
    return read_token(path.removeprefix(f"{folder}/").removesuffix("/"))


def printable(value: object, limit: int = 200) -> str:
    """An untrusted text as one line without control characters and surrogates; empty where it is no text."""
    text = value if isinstance(value, str) else ""
    return "".join(character for character in text[: limit * 2] if character.isprintable()).strip()[:limit]


def test_aid_notice() -> html.Div:
    """The notice on every vendor page that this is an aid for testing with fictitious data."""
    sentence = _("This is an aid for testing, no certification by Edustandaard.")
    made_up = _("Use made-up data: a message with a valid citizen service number is refused.")
    return note("", "info", html.P(f"{sentence} {made_up}"))


def too_many_checks(*, own: bool) -> html.Div:
    """Why no check can be requested now."""
    mine = _("Several of your checks are still waiting. Look at those first, or wait until they are done.")
    everybody = _("So many checks are waiting now that no new one is taken. Try again in a few minutes.")
    return note("wa", "clock", html.P(mine if own else everybody), role="alert")


def no_longer_there(title: str, sentence: str) -> list[Any]:
    """The page for an unknown or expired token."""
    return [
        html.Div(html.Div(html.H1(title)), className="head"),
        note("", "search", html.P([sentence, " ", html.A(_("To Test your connection"), href=addresses.VENDOR)])),
    ]


def command_line() -> html.Section:
    """The panel about the same checks on the command line."""
    return html.Section(
        [
            html.Header(html.H2(_("In your own build pipeline too"))),
            html.P(_("The same rules, the same names; an exit code for your build."), className="sm t2"),
            html.Pre(COMMAND, className="cmd"),
        ],
        className="card",
    )


def requirements_link(words: str, **more: Any) -> html.A:
    """The link to the page with all clauses of the standard."""
    return html.A(words, href=addresses.REQUIREMENTS, **more)


def requirement_link(rule: str) -> html.A | html.Code:
    """The id of a rule, as a link to the clause that it tests; plain where no clause has it."""
    anchor = next(
        (
            requirement.anchor
            for part in request.context().requirements
            for requirement in part.requirements
            if any(test.kind == RULE and test.id == rule for test in requirement.tests)
        ),
        None,
    )
    code = html.Code(rule)
    return code if anchor is None else html.A(code, href=f"{addresses.REQUIREMENTS}#{anchor}")


def finding_sentence(finding: Mapping[str, Any], name: str) -> str:
    """A text of a finding or scenario in the language of the request: `name`_nl or `name`_en."""
    return str(finding.get(f"{name}_{language()}") or finding.get(f"{name}_nl") or "")


def sentence_of(finding: Mapping[str, Any]) -> str:
    """The message of a finding."""
    return finding_sentence(finding, "message")


def remedy_of(finding: Mapping[str, Any]) -> str:
    """The remedy of a finding."""
    return str(finding.get("remedy" if language() == "nl" else "remedy_en") or finding.get("remedy") or "")


def place_of(finding: Mapping[str, Any]) -> str:
    """The position of a finding in words; empty where it has none."""
    if finding.get("line") is None:
        return ""
    return _("line {line}, column {column}", line=finding["line"], column=finding.get("column") or 1)


def broken_path(path: str) -> list[Any]:
    """A path of elements that may wrap after each slash."""
    return [part for step in re.split(r"(?<=/)(?=.)", path) if step for part in (step, html.Wbr())][:-1]


def finding_state(finding: Mapping[str, Any]) -> html.Span:
    """The level of a finding as icon and word."""
    if finding.get("level") == "error":
        return state("fa", "cross", _("wrong"))
    if finding.get("level") == "warning":
        return state("wa", "bang", _("warning"))
    return state("no", "info", _("remark"))


def button_form(action: str, words: str, icon: str | None = None, class_name: str = "btn", **more: Any) -> html.Form:
    """A form with only a button; the browser follows the redirect of the answer."""
    parts = [sign(icon), words] if icon else [words]
    return html.Form(html.Button(parts, type="submit", className=class_name), action=action, method="POST", **more)


def field_code(text: str) -> html.Code:
    """A text to copy: one click selects it all."""
    return html.Code(text, className="copy")
