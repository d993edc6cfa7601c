"""The Dash app: its frame, its theme, and one explicit list of pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dash
import dash_mantine_components as dmc
import flask
from dash import html

from dashboard import security
from dashboard.banner import banner
from dashboard.pages import (
    accessibility,
    board,
    couplings,
    group,
    handover,
    materials,
    mine,
    missing,
    pupil,
    refused,
    signals,
    talk_sheet,
    vendor,
    vendor_result,
    vendor_room,
)
from dashboard.pages.elsewhere import Layout, of_own_school
from dashboard.texts import _, language
from models.viewer import Role

ASSETS = Path(__file__).resolve().parent.parent / "assets"

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
            f'<!DOCTYPE html>\n<html lang="{language()}" data-mantine-color-scheme="{security.scheme()}">\n<head>'
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
    _register("home", start, path="/", title=group.title)
    _register("group", start, path="/groep", title=group.title)
    _register("talk_sheet", talk_sheet.layout, path_template=talk_sheet.TEMPLATE, title=talk_sheet.title)
    _register("pupil", pupil.layout, path_template="/leerling/<pupil_id>", title=pupil.title)
    _register("mine", mine.layout, path=mine.PATH, title=mine.title)
    _register("handover", handover.layout, path=handover.PATH, title=handover.title)
    _register("signals", signals.layout, path="/signalen", title=signals.title)
    _register("materials", materials.layout, path=materials.PATH, title=materials.title)
    _register("board", board.layout, path="/digibord", title=board.title)
    _register("accessibility", accessibility.layout, path=accessibility.PATH, title=accessibility.title)
    _register("couplings", couplings.layout, path="/koppelingen", title=couplings.title)
    _register("refused", refused.layout, path_template=refused.TEMPLATE, title=refused.title)
    _register("vendor", vendor.layout, path="/toets", title=vendor.title)
    _register("vendor_room", vendor_room.layout, path_template="/toets/proef/<token>", title=vendor_room.title)
    _register("vendor_result", vendor_result.layout, path_template="/toets/uitslag/<token>", title=vendor_result.title)
    _register("not_found_404", missing.layout, path="/niet-gevonden", title="Rondblik")
    group.register(app)
    pupil.register(app)
    mine.register(app)
    handover.register(app)
    signals.register(app)
    materials.register(app)
    couplings.register(app)
    refused.register(app)
    vendor.register(app)
    vendor_room.register(app)
    vendor_result.register(app)
    return app


def _register(name: str, layout: Layout, **where: Any) -> None:
    """A page, for addresses of the viewer's own school only."""
    dash.register_page(name, layout=of_own_school(layout), **where)


def start(**query: object) -> list[Any]:
    """Where one begins: the classes, or for a vendor, who has none, the page to test a coupling."""
    viewer = security.viewer() if flask.has_request_context() else None
    if viewer is not None and viewer.role is Role.VENDOR:
        return vendor.layout()
    return group.layout(**query)


def layout() -> dmc.MantineProvider:
    """The frame around every page."""
    return dmc.MantineProvider(
        [
            html.A(_("To the content"), href="#main", className="skip"),
            dash.page_container,
        ],
        theme=THEME,
        forceColorScheme=security.scheme() if flask.has_request_context() else "light",
    )
