"""An app of Dash that shows one number, in a process of its own: what any Dash app costs a browser."""

from __future__ import annotations

import dash
import flask
from dash import html

from connectors.transport.http_server import BodyLimits, make_server
from dashboard.server.serving import bind

NO_ASSETS = "no-assets"  # a folder that does not exist; without it Dash takes that of the working directory


def main() -> None:
    """Serve the app on a free port, whose address is printed."""
    app = dash.Dash("empty", server=flask.Flask("empty"), assets_folder=NO_ASSETS, enable_mcp=False)
    app.layout = html.Div("0", id="number")
    listener = bind("127.0.0.1", 0)
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    make_server(app.server, listener, BodyLimits(lambda _environ: False)).run()


if __name__ == "__main__":
    main()
