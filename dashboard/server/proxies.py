"""What a reverse proxy says of a request, believed of those alone that the settings name."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Environ = dict[str, Any]
FOR, PROTO, HOST = "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST"
ALL = "HTTP_X_FORWARDED_"
OTHER = ("HTTP_FORWARDED", "HTTP_X_REAL_IP")


@dataclass(frozen=True, slots=True)
class TrustedProxies:
    """A WSGI application behind proxies: client, scheme and host are as a trusted proxy states them.

    What anybody else states, and every other header of that kind, is taken away before the application sees it.
    """

    application: Callable[[Environ, Any], Iterable[bytes]]
    networks: Sequence[Network]

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Answer a request."""
        stated = {name: environ.get(name, "") for name in (FOR, PROTO, HOST)}
        for name in [name for name in environ if name.startswith(ALL) or name in OTHER]:
            del environ[name]
        if self._is_trusted(environ.get("REMOTE_ADDR", "")):
            self._believe(environ, stated)
        return self.application(environ, start_response)

    def _believe(self, environ: Environ, stated: dict[str, str]) -> None:
        """Of several values the last counts, which the proxy next to us wrote; of clients the last that is no proxy."""
        clients = _values(stated[FOR])
        client = next((item for item in reversed(clients) if not self._is_trusted(item)), None)
        if client is not None and _address(client) is not None:
            environ["REMOTE_ADDR"] = client
        scheme = _values(stated[PROTO])[-1:]
        if scheme in (["http"], ["https"]):
            environ["wsgi.url_scheme"] = scheme[0]
        host = _values(stated[HOST])[-1:]
        if host:
            environ["HTTP_HOST"] = host[0]

    def _is_trusted(self, text: str) -> bool:
        address = _address(text)
        return address is not None and any(address in network for network in self.networks)


def _values(header: str) -> list[str]:
    return [value.strip() for value in header.split(",") if value.strip()]


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
