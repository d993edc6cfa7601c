"""A provider that answers what it must not: each is refused with what to do, and nobody gets in."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jws
from joserfc.jwk import OctKey, RSAKey

from tests.sign_in.conftest import HERE, MakeApp

KEY, OTHER_KEY = (RSAKey.generate_key(2048, {"kid": "k", "use": "sig", "alg": "RS256"}) for _ in range(2))
Change = Callable[["Misbehaving"], None]


@dataclass
class Misbehaving:
    """A provider whose answers a test changes; it is right in all else."""

    issuer: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    signing: Any = field(default_factory=lambda: KEY)
    without: tuple[str, ...] = ()  # claims that are left out
    token: Callable[[dict[str, Any]], Any] = lambda answer: answer
    asked: list[str] = field(default_factory=list)
    nonce: str = ""
    wished: list[str] = field(default_factory=list)  # how somebody is to sign in, as the browser was sent with

    def answer(self, path: str) -> tuple[int, Any, dict[str, str]]:
        """What is said at a path."""
        self.asked.append(path)
        names = {"authorization_endpoint": "auth", "token_endpoint": "token", "jwks_uri": "jwks"}
        right = {"issuer": self.issuer, "userinfo_endpoint": f"{self.issuer}/me"}
        right |= {name: f"{self.issuer}/{path}" for name, path in names.items()}
        known: dict[str, Callable[[], Any]] = {
            "/.well-known/openid-configuration": lambda: right | self.metadata,
            "/jwks": lambda: {"keys": [KEY.as_dict(private=False)]},
            "/me": lambda: {"sub": "s", "schac_home_organization": "99XX", "name": "Hanna Vos"} | self.userinfo,
            "/token": lambda: self.token({"access_token": "a", "token_type": "Bearer", "id_token": self._id_token()}),
        }
        found = known[path]()
        return found if isinstance(found, tuple) else (200, found, {})

    def _id_token(self) -> str:
        now = int(time.time())
        right = {"iss": self.issuer, "sub": "s", "aud": "rondblik", "iat": now, "exp": now + 300, "nonce": self.nonce}
        claims = {name: value for name, value in (right | self.claims).items() if name not in self.without}
        if self.header.get("alg") == "none":
            return ".".join((_encoded({"alg": "none"}), _encoded(claims), ""))
        header = {"alg": "RS256", "kid": "k"} | self.header
        return jws.serialize_compact(header, json.dumps(claims).encode(), self.signing, ["RS256", "HS256"])


def _encoded(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


@contextmanager
def serving(provider: Misbehaving) -> Iterator[None]:
    """Serve it on loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            self.rfile.read(length)
            status, body, headers = provider.answer(urlsplit(self.path).path)
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            for name, value in {
                "Content-Type": "application/json",
                **headers,
                "Content-Length": str(len(data)),
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_more: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield
    server.shutdown()
    server.server_close()


def changed(**values: Any) -> Change:
    """A provider with other values than right ones."""

    def change(provider: Misbehaving) -> None:
        for name, value in values.items():
            setattr(provider, name, value)

    return change


def far(seconds: int) -> dict[str, int]:
    """The times of a token that was made so many seconds from now, and is valid for a minute."""
    return {"iat": int(time.time()) + seconds, "exp": int(time.time()) + seconds + 60}


WRONG: dict[str, tuple[Change, str]] = {
    "another issuer of itself": (changed(metadata={"issuer": "https://elders.example"}), "komt niet van"),
    "another issuer in the token": (changed(claims={"iss": "https://elders.example"}), "komt niet van"),
    "another audience": (changed(claims={"aud": "ander"}), "voor een ander programma"),
    "two audiences without a party": (changed(claims={"aud": ["ander", "elders"]}), "voor een ander programma"),
    "another party": (changed(claims={"aud": ["rondblik", "ander"], "azp": "ander"}), "voor een ander programma"),
    "another nonce": (changed(claims={"nonce": "ander"}), "hoort bij een andere aanmelding"),
    "no nonce": (changed(without=("nonce",)), "hoort bij een andere aanmelding"),
    "expired": (changed(claims=far(-3600)), "te oud, of heeft een tijdstip in de toekomst"),
    "of the future": (changed(claims=far(3600)), "te oud, of heeft een tijdstip in de toekomst"),
    "signed with another key": (changed(signing=OTHER_KEY), "niet ondertekend zoals het moet"),
    "another algorithm": (
        changed(signing=OctKey.import_key("geheim" * 8), header={"alg": "HS256"}), "niet ondertekend zoals het moet",
    ),
    "no signature": (changed(header={"alg": "none"}), "niet ondertekend zoals het moet"),
    "an unknown key": (changed(header={"kid": "ander"}), "niet ondertekend zoals het moet"),
    "a token of another kind": (changed(header={"typ": "at+jwt"}), "niet zoals het moet"),
    "no subject": (changed(without=("sub",)), "is niet "),
    "half a character as subject": (changed(claims={"sub": "\ud800"}, userinfo={"sub": "\ud800"}), "niet zoals"),
    "a long subject": (changed(claims={"sub": "s" * 256}, userinfo={"sub": "s" * 256}), "niet zoals het moet"),
    "a number as subject": (changed(claims={"sub": 7}, userinfo={"sub": 7}), "niet "),
    "userinfo of another": (changed(userinfo={"sub": "ander"}), "niet zoals het moet"),
    "no token": (changed(token=lambda _answer: {"access_token": "a", "token_type": "Bearer"}), "niet zoals het moet"),
    "no JSON": (changed(token=lambda _answer: (200, b"<html>", {})), "antwoordt nu niet"),
    "a list": (changed(token=lambda _answer: [1]), "antwoordt nu niet"),
    "a token of a megabyte": (changed(token=lambda answer: answer | {"x": "x" * 1_000_000}), "antwoordt nu niet"),
    "an id token that is large": (changed(token=lambda answer: answer | {"id_token": "x" * 70_000}), "niet zoals"),
    "a redirect": (
        changed(token=lambda _answer: (307, {}, {"Location": "http://127.0.0.1:1/"})), "antwoordt nu niet",
    ),
    "an error of the server": (changed(token=lambda _answer: (500, {}, {})), "antwoordt nu niet"),
    "a code that it refuses": (
        changed(token=lambda _answer: (400, {"error": "invalid_grant"}, {})), "al gebruikt of te oud",
    ),
    "a client that it refuses": (
        changed(token=lambda _answer: (401, {"error": "invalid_client"}, {})), "client_secret",
    ),
    "an endpoint without TLS elsewhere": (changed(metadata={"jwks_uri": "http://10.0.0.1/"}), "niet zoals het moet"),
}  # fmt: skip


def signed_in(make_app: MakeApp, provider: Misbehaving, more: str = "") -> tuple[int, str, bool]:
    """Status and text of the answer to somebody who comes back, and whether a session began."""
    client = make_app(provider.issuer, more=more).test_client()
    begun = client.get("/aanmelden/bij/entree", base_url=HERE)
    if begun.status_code == 302:
        query = parse_qs(urlsplit(begun.headers["Location"]).query)
        assert query["code_challenge_method"] == ["S256"]
        provider.wished = query.get("acr_values", [])
        provider.nonce = query["nonce"][0]
        begun = client.get(f"/aanmelden/terug?code=x&state={query['state'][0]}", base_url=HERE)
    session = client.get_cookie("rondblik_session", domain="localhost")
    return begun.status_code, begun.text, session is not None


def test_a_right_answer_begins_a_session(make_app: MakeApp) -> None:
    provider = Misbehaving()
    with serving(provider):
        assert signed_in(make_app, provider)[0::2] == (303, True)


@pytest.mark.parametrize("about", WRONG)
def test_a_wrong_answer_begins_no_session_and_says_what_to_do(
    make_app: MakeApp, caplog: pytest.LogCaptureFixture, about: str
) -> None:
    change, sentence = WRONG[about]
    provider = Misbehaving()
    with serving(provider):
        change(provider)
        status, text, session = signed_in(make_app, provider)
    assert (status, session) in ((403, False), (503, False))
    assert sentence in text
    assert any(remedy in text for remedy in ("opnieuw", "Zeg het tegen uw beheerder", "Probeer het over"))
    assert "Traceback" not in caplog.text
    assert "elders.example" not in caplog.text + text


STRONG: tuple[dict[str, Any], ...] = (
    {"acr": "mfa"}, {"amr": ["pwd", "mfa"]}, {"acr": "silver", "amr": ["mfa"]}, {"acr": "hwk"},
)  # fmt: skip
WEAK: tuple[dict[str, Any], ...] = ({}, {"amr": ["pwd"]}, {"acr": "0"}, {"acr": "mf"}, {"amr": [["mfa"]]}, {"acr": 1})


def test_who_signed_in_without_a_second_step_is_refused_where_that_is_set(make_app: MakeApp) -> None:
    provider = Misbehaving()
    with serving(provider):
        for claims, enters in [*((item, True) for item in STRONG), *((item, False) for item in WEAK)]:
            provider.claims = claims
            status, text, session = signed_in(make_app, provider, "    strengths: [mfa, hwk]\n")
            assert (status, session) == ((303, True) if enters else (403, False)), claims
            assert enters or "met een tweede stap" in text
            assert provider.wished == ["mfa hwk"]
        assert signed_in(make_app, provider)[0::2] == (303, True)  # without the setting
        assert provider.wished == []


@pytest.mark.parametrize("kind", ["JWT", "jwt"])
def test_a_token_may_say_of_which_kind_it_is(make_app: MakeApp, kind: str) -> None:
    provider = Misbehaving(header={"typ": kind})
    with serving(provider):
        assert signed_in(make_app, provider)[0::2] == (303, True)


@pytest.mark.parametrize("claims", [{"aud": ["rondblik"]}, {"aud": "rondblik", "azp": "rondblik"}])
def test_an_audience_may_be_a_list_of_us(make_app: MakeApp, claims: dict[str, Any]) -> None:
    provider = Misbehaving(claims=claims)
    with serving(provider):
        assert signed_in(make_app, provider)[0::2] == (303, True)
