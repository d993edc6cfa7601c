"""The option `--node` of the commands that divide schools over servers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click


def _checked(_context: click.Context, _option: click.Parameter, addresses: tuple[str, ...]) -> tuple[str, ...]:
    for address in addresses:
        if not address.startswith("postgresql+psycopg://"):
            raise click.BadParameter("must begin with postgresql+psycopg://", param_hint="--node")
    if len(set(addresses)) < len(addresses):
        raise click.BadParameter("names a database twice", param_hint="--node")
    return addresses


def nodes(meaning: str) -> Callable[[Any], Any]:
    """The option as the argument `addresses` of a command; `meaning` is its help."""
    return click.option("--node", "addresses", metavar="DSN", multiple=True, callback=_checked, help=meaning)
