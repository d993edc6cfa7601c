"""Which addresses may be spoken to in the clear: those that do not leave this machine."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

_PLAIN_LINK = re.compile(
    r"https://(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}(?::[0-9]{1,5})?(?:[/?#][!#-;=?-\[\]_a-z~]*)?", re.I | re.A
)


def is_plain_link(url: str) -> bool:
    """Whether a link of a publisher may be shown: https to a host with a name, and nothing odd in it."""
    return _PLAIN_LINK.fullmatch(url) is not None and not url.lower().startswith("https://localhost.")


def is_loopback(host: str) -> bool:
    """Whether `host` (a name or an address) is this machine itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def address_problem(url: str) -> str | None:
    """What keeps us from using the address, in English, or None; it never repeats the address."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is not an address; write it as https://host/path"
    if parts.scheme not in ("http", "https") or not host:
        return "is not an address; write it as https://host/path"
    if parts.username is not None or parts.password is not None:
        return "holds a user name or password; put that in authorisation or a header"
    if parts.scheme == "http" and not is_loopback(host):
        return "must begin with https://, as everything that leaves this machine"
    if not url.isascii() or any(character <= " " for character in url):
        return "holds a blank or a character outside ASCII; write it percent-encoded"
    return None
