"""The Dash app: its frame, its theme and the pages of dashboard/pages/all_pages.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dash
import dash_mantine_components as dmc
import flask
from dash import html

from dashboard.auth import request
from dashboard.pages import opening
from dashboard.pages.all_pages import PAGES
from dashboard.server.banner import banner
from dashboard.text.translate import _, language

ASSETS = Path(__file__).resolve().parents[2] / "assets"

# The accent of the tokens in ten shades; shade 7 on light, 3 on dark.
ACCENT = [
    "#f1f5fb", "#e5edf7", "#c3d6ee", "#8fb9ee", "#6c9bd6", "#477dbb", "#2f66a6", "#1d4f91", "#163d71", "#0f2b50",
]  # fmt: skip
FONT = 'system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue","Noto Sans",Arial,sans-serif'
THEME: dict[str, Any] = {
    "primaryColor": "delft",
    "primaryShade": {"light": 7, "dark": 3},
    "colors": {"delft": ACCENT},
    "fontFamily": FONT,
    "fontSizes": {"xs": "0.8125rem", "sm": "0.875rem", "md": "1rem", "lg": "1.1875rem", "xl": "1.75rem"},
    "radius": {"xs": "4px", "sm": "8px", "md": "8px", "lg": "12px"},
    "defaultRadius": "sm",
}


class RondblikDash(dash.Dash):
    """Dash with a page that states its language and colour scheme before any script runs."""

    def interpolate_index(self, **parts: str) -> str:
        """The first HTML of every page."""
        entry = parts["app_entry"].replace("Loading...", _("Rondblik is loading…"))
        return (
            f'<!DOCTYPE html>\n<html lang="{language()}" data-mantine-color-scheme="{request.scheme()}">\n<head>'
            f"{parts['metas']}<title>{parts['title']}</title>{parts['css']}</head>\n<body>{banner()}{entry}"
            f"<footer>{parts['config']}{parts['scripts']}{parts['renderer']}</footer></body></html>"
        )


def build(server: flask.Flask) -> dash.Dash:
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
    opening.register(app, PAGES)
    return app


def layout() -> dmc.MantineProvider:
    """The frame around every page."""
    return dmc.MantineProvider(
        [
            html.A(_("To the content"), href="#main", className="skip"),
            dash.page_container,
        ],
        theme=THEME,
        forceColorScheme=request.scheme() if flask.has_request_context() else "light",
    )
