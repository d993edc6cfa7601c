"""An identity provider, what is kept of a sign-in under way, and why one fails."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Failure(StrEnum):
    """Why a sign-in was refused."""

    UNREACHABLE = "unreachable"
    ANSWER = "answer"  # not as the standard says
    CODE = "code"  # expired, used before, or of another sign-in
    SIGNATURE = "signature"
    ISSUER = "issuer"
    AUDIENCE = "audience"
    NONCE = "nonce"
    EXPIRED = "expired"


class SignInFailed(Exception):
    """Somebody could not be signed in; `failure` says why, and the text holds nothing of what was sent."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.value)
        self.failure = failure


@dataclass(frozen=True, slots=True)
class Provider:
    """How Rondblik is known at an identity provider."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str = "openid profile"
    client_auth: str = "client_secret_post"
    algorithm: str = "RS256"  # of ID tokens; no other is accepted
    strengths: tuple[str, ...] = ()  # of which it is asked for one (`acr_values`)


@dataclass(frozen=True, slots=True)
class Secrets:
    """What is kept between the two halves of a sign-in."""

    state: str
    nonce: str
    verifier: str
