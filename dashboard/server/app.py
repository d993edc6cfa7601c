"""The Dash app: its frame, its theme and the pages of dashboard/pages/all_pages.py."""

from __future__ import annotations

from pathlib import Path

import dash
import flask
from dash import html

from dashboard.auth import request
from dashboard.pages import opening
from dashboard.pages.all_pages import PAGES
from dashboard.server.banner import banner
from dashboard.server.static_files import StaticFiles
from dashboard.text.translate import _, language

ASSETS = Path(__file__).resolve().parents[2] / "assets"


class RondblikDash(dash.Dash):
    """Dash with a page that states its language and colour scheme before any script runs.

    `static_files` gives the addresses of scripts and style sheets.
    """

    static_files: StaticFiles

    def interpolate_index(self, **parts: str) -> str:
        """The first HTML of every page."""
        entry = parts["app_entry"].replace("Loading...", _("Rondblik is loading…"))
        css, scripts = (self.static_files.with_digests(parts[name]) for name in ("css", "scripts"))
        return (
            f'<!DOCTYPE html>\n<html lang="{language()}" data-colours="{request.scheme()}" '
            f'data-charts="{self.static_files.chart_address()}">\n<head>'
            f"{parts['metas']}<title>{parts['title']}</title>{css}</head>\n<body>{banner()}{entry}"
            f"<footer>{parts['config']}{scripts}{parts['renderer']}</footer></body></html>"
        )


def build(server: flask.Flask) -> RondblikDash:
    """The Dash app on `server`, with its pages and callbacks."""
    app = RondblikDash(
        "rondblik",
        server=server,
        assets_folder=str(ASSETS),
        use_pages=True,
        pages_folder="",
        include_pages_meta=False,
        suppress_callback_exceptions=False,
        serve_locally=True,
        use_async=False,
        enable_mcp=False,
        title="Rondblik",
        update_title="",
        meta_tags=[{"name": "viewport", "content": "width=device-width,initial-scale=1"}],
    )
    app.layout = layout
    app.static_files = StaticFiles(app)
    opening.register(app, PAGES)
    return app


def layout() -> html.Div:
    """The frame around every page."""
    return html.Div(
        [
            html.A(_("To the content"), href="#main", className="skip"),
            dash.page_container,
        ]
    )
