"""The code flow of OpenID Connect with PKCE: where to send the browser, and who somebody is when it comes back.

What the provider answers is checked here: its issuer, the audience, signature, age and nonce of the ID token, and that
userinfo is about the same subject.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from authlib.common.urls import add_params_to_uri
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry
from requests import RequestException

from connectors.errors import ConnectorError
from connectors.openid.provider import Failure, Provider, Secrets, SignInFailed
from connectors.openid.transport import bounded
from models.schema import clock
from models.schema.urls import address_problem

MAX_TOKEN = 64 * 1024  # characters
MAX_SUBJECT = 255  # characters, by the standard
LEEWAY_SECONDS = 60
OF_ID_TOKENS = "JWT"
GOOGLE = "https://accounts.google.com"  # which may leave the scheme out in its tokens

Claims = dict[str, Any]


def authorization_url(provider: Provider, redirect_uri: str, secrets: Secrets) -> str:
    """Where the browser goes to sign in. Raises SignInFailed."""
    with _session(provider, redirect_uri) as session:
        endpoint = _endpoint(_metadata(session, provider), "authorization_endpoint")
        strength = {"acr_values": " ".join(provider.strengths)} if provider.strengths else {}
        url, _state = session.create_authorization_url(
            endpoint, state=secrets.state, nonce=secrets.nonce, code_verifier=secrets.verifier, **strength
        )
    return str(url)


def claims_of(
    provider: Provider, redirect_uri: str, secrets: Secrets, code: str, wanted: Sequence[Sequence[str]]
) -> Claims:
    """Who signed in: the claims of the ID token, and those of userinfo where a wanted one stands only there.

    `wanted`: of each list at least one name. Raises SignInFailed.
    """
    with _session(provider, redirect_uri) as session:
        metadata = _metadata(session, provider)
        token = _token(session, _endpoint(metadata, "token_endpoint"), code, secrets.verifier)
        keys = _get(session, _endpoint(metadata, "jwks_uri"))
        claims = _id_claims(provider, token, keys, secrets.nonce)
        if any(not any(name in claims for name in names) for names in wanted) and "userinfo_endpoint" in metadata:
            about = _get(session, _endpoint(metadata, "userinfo_endpoint"), with_token=True)
            if about.get("sub") != claims["sub"]:
                raise SignInFailed(Failure.ANSWER)
            claims = {**about, **claims}
    return claims


def end_session_url(provider: Provider, back: str) -> str | None:
    """Where the browser goes to sign out at the provider, which sends it `back`; None where it has no such address.

    The client is named in place of a hint of the ID token, which is not kept: the provider may ask whether somebody is
    sure. Raises SignInFailed.
    """
    with _session(provider, back) as session:
        metadata = _metadata(session, provider)
    if "end_session_endpoint" not in metadata:
        return None
    asked = [("client_id", provider.client_id), ("post_logout_redirect_uri", back)]
    return str(add_params_to_uri(_endpoint(metadata, "end_session_endpoint"), asked))


def _session(provider: Provider, redirect_uri: str) -> OAuth2Session:
    return bounded(
        OAuth2Session(
            provider.client_id,
            provider.client_secret,
            token_endpoint_auth_method=provider.client_auth,
            scope=provider.scope,
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
        )
    )


def _metadata(session: OAuth2Session, provider: Provider) -> Claims:
    """What the provider says of itself, which must be about the issuer that was asked."""
    metadata = _get(session, f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration")
    if metadata.get("issuer") != provider.issuer:
        raise SignInFailed(Failure.ISSUER)
    return metadata


def _endpoint(metadata: Claims, name: str) -> str:
    address = metadata.get(name)
    if not isinstance(address, str) or address_problem(address) is not None:
        raise SignInFailed(Failure.ANSWER)
    return address


def _get(session: OAuth2Session, url: str, with_token: bool = False) -> Claims:
    """A JSON object of the provider."""
    try:
        answer = session.get(url, withhold_token=not with_token, allow_redirects=False)
        answer.raise_for_status()
        body = answer.json()
    except (ConnectorError, RequestException):  # RequestException: a status that is no success, or no JSON
        raise SignInFailed(Failure.UNREACHABLE) from None
    if not isinstance(body, dict):
        raise SignInFailed(Failure.ANSWER)
    return body


def _token(session: OAuth2Session, endpoint: str, code: str, verifier: str) -> Claims:
    """The tokens for a code, which the provider gives once."""
    try:
        token = session.fetch_token(
            endpoint, code=code, code_verifier=verifier, grant_type="authorization_code", allow_redirects=False
        )
    except OAuthError as refused:
        code_refused = refused.error == "invalid_grant"
        raise SignInFailed(Failure.CODE if code_refused else Failure.ANSWER) from None
    except (ConnectorError, RequestException, ValueError):
        raise SignInFailed(Failure.UNREACHABLE) from None
    if not isinstance(token.get("id_token"), str) or len(token["id_token"]) > MAX_TOKEN:
        raise SignInFailed(Failure.ANSWER)
    return dict(token)


_BY_CLAIM = {
    "iss": Failure.ISSUER,
    "aud": Failure.AUDIENCE,
    "azp": Failure.AUDIENCE,
    "nonce": Failure.NONCE,
    "exp": Failure.EXPIRED,
    "iat": Failure.EXPIRED,
    "nbf": Failure.EXPIRED,
}


def _id_claims(provider: Provider, token: Claims, keys: Claims, nonce: str) -> Claims:
    """The claims of the ID token, once all of it was checked."""
    registry = JWSRegistry(algorithms=[provider.algorithm], strict_check_header=False)
    issuers = [provider.issuer] + ([GOOGLE.removeprefix("https://")] if provider.issuer == GOOGLE else [])
    try:
        decoded = jwt.decode(token["id_token"], key=KeySet.import_key_set(keys), registry=registry)  # type: ignore[arg-type]
        if str(decoded.header.get("typ", OF_ID_TOKENS)).upper() != OF_ID_TOKENS:
            raise SignInFailed(Failure.ANSWER)
        claims = CodeIDToken(
            decoded.claims,
            decoded.header,
            {"iss": {"essential": True, "values": issuers}, "aud": {"essential": True, "value": provider.client_id}},
            {"nonce": nonce, "client_id": provider.client_id, "access_token": token.get("access_token")},
        )
        claims.validate(now=int(clock.now().timestamp()), leeway=LEEWAY_SECONDS)
    except JoseError as wrong:
        claim = getattr(wrong, "claim", None)
        expired = wrong.error == "expired_token"
        raise SignInFailed(Failure.EXPIRED if expired else _BY_CLAIM.get(str(claim), Failure.SIGNATURE)) from None
    except (ValueError, TypeError, KeyError, AttributeError):
        raise SignInFailed(Failure.ANSWER) from None
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT or not subject.isprintable():
        raise SignInFailed(Failure.ANSWER)
    return dict(claims)
