"""The Dash app: its frame, its theme, and one explicit list of pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dash
import dash_mantine_components as dmc
import flask
from dash import html

from dashboard.auth import request
from dashboard.pages import accessibility, board, not_found
from dashboard.pages.class_page import page as class_page
from dashboard.pages.couplings import page as couplings_page
from dashboard.pages.couplings import refused_message
from dashboard.pages.materials import page as materials_page
from dashboard.pages.my_pupils import handover
from dashboard.pages.my_pupils import page as my_pupils_page
from dashboard.pages.other_school import Layout, of_own_school
from dashboard.pages.pupil import page as pupil_page
from dashboard.pages.pupil import talk_sheet
from dashboard.pages.signals import page as signals_page
from dashboard.pages.vendor import page as vendor_page
from dashboard.pages.vendor import result as vendor_result
from dashboard.pages.vendor import sandbox as vendor_sandbox
from dashboard.server.banner import banner
from dashboard.text.translate import _, language
from models.access.viewer import Role

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
    _register("home", start, path="/", title=class_page.title)
    _register("group", start, path="/groep", title=class_page.title)
    _register("talk_sheet", talk_sheet.layout, path_template=talk_sheet.TEMPLATE, title=talk_sheet.title)
    _register("pupil", pupil_page.layout, path_template="/leerling/<pupil_id>", title=pupil_page.title)
    _register("mine", my_pupils_page.layout, path=my_pupils_page.PATH, title=my_pupils_page.title)
    _register("handover", handover.layout, path=handover.PATH, title=handover.title)
    _register("signals", signals_page.layout, path="/signalen", title=signals_page.title)
    _register("materials", materials_page.layout, path=materials_page.PATH, title=materials_page.title)
    _register("board", board.layout, path="/digibord", title=board.title)
    _register("accessibility", accessibility.layout, path=accessibility.PATH, title=accessibility.title)
    _register("couplings", couplings_page.layout, path="/koppelingen", title=couplings_page.title)
    _register("refused", refused_message.layout, path_template=refused_message.TEMPLATE, title=refused_message.title)
    _register("vendor", vendor_page.layout, path="/toets", title=vendor_page.title)
    _register("vendor_room", vendor_sandbox.layout, path_template="/toets/proef/<token>", title=vendor_sandbox.title)
    _register("vendor_result", vendor_result.layout, path_template="/toets/uitslag/<token>", title=vendor_result.title)
    _register("not_found_404", not_found.layout, path="/niet-gevonden", title="Rondblik")
    class_page.register(app)
    pupil_page.register(app)
    my_pupils_page.register(app)
    handover.register(app)
    signals_page.register(app)
    materials_page.register(app)
    couplings_page.register(app)
    refused_message.register(app)
    vendor_page.register(app)
    vendor_sandbox.register(app)
    vendor_result.register(app)
    return app


def _register(name: str, layout: Layout, **where: Any) -> None:
    """A page, for addresses of the viewer's own school only."""
    dash.register_page(name, layout=of_own_school(layout), **where)


def start(**query: object) -> list[Any]:
    """Where one begins: the classes, or for a vendor, who has none, the page to test a coupling."""
    viewer = request.viewer() if flask.has_request_context() else None
    if viewer is not None and viewer.role is Role.VENDOR:
        return vendor_page.layout()
    return class_page.layout(**query)


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
