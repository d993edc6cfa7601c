"""Scripts and style sheets: what every page loads, how it is compressed, and how long a browser may keep it."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from pathlib import Path

import brotli
import dash
import flask
import pytest
from dash import html
from flask.testing import FlaskClient

from dashboard.auth.start_codes import start_path
from dashboard.server.static_files import SUITES, chart_script

HERE = "http://localhost"
MOST_OF_EMPTY = 1.1  # the JavaScript of a page without charts, as a multiple of that of an empty Dash app
MOST_OF_CHARTS = 1_500_000  # bytes; the whole of plotly.js is 4.8 million
YEAR = "max-age=31536000"
ADDRESS = re.compile(r'(?:src|href)="(/[^"]+\.(?:js|css)[^"]*)"')
ADDRESS_OF_CHARTS = re.compile(r'data-charts="([^"]+)"')


def addresses(page: str) -> list[str]:
    """The scripts and style sheets in the HTML of a page."""
    return ADDRESS.findall(page)


def size_of_scripts(client: FlaskClient, page: str) -> int:
    """How much JavaScript a page loads before it shows anything, in bytes, not compressed."""
    scripts = [address for address in addresses(page) if ".js" in address]
    return sum(
        len(client.get(address, base_url=HERE, headers={"Accept-Encoding": "identity"}).data) for address in scripts
    )


@pytest.fixture
def client(web: flask.Flask) -> FlaskClient:
    """A browser with a session."""
    client = web.test_client()
    client.get(start_path(web), base_url=HERE)
    return client


@pytest.fixture
def page(client: FlaskClient) -> str:
    """The first HTML of the class page."""
    return client.get("/groep", base_url=HERE).text


def test_every_page_loads_hardly_more_javascript_than_an_empty_app_of_dash(client: FlaskClient, page: str) -> None:
    empty = dash.Dash("empty", server=flask.Flask("empty"), assets_folder="no-assets", enable_mcp=False)
    empty.layout = html.Div("0")
    empty_client = empty.server.test_client()
    least = size_of_scripts(empty_client, empty_client.get("/", base_url=HERE).text)
    assert least > 1_000_000
    for path in ("/groep", "/leerling/1", "/leerlingen", "/signalen", "/leermiddelen", "/toets"):
        loaded = client.get(path, base_url=HERE, follow_redirects=True).text
        assert addresses(loaded) == addresses(page), path
        assert "plotly" not in "".join(addresses(loaded)), path  # it comes with the first chart
    assert size_of_scripts(client, page) <= MOST_OF_EMPTY * least


@pytest.mark.parametrize(("encoding", "decompress"), [("br", brotli.decompress), ("gzip", gzip.decompress)])
def test_every_file_is_compressed_and_kept_for_good(
    client: FlaskClient, page: str, encoding: str, decompress: Callable[[bytes], bytes]
) -> None:
    charts = ADDRESS_OF_CHARTS.findall(page)
    assert len(addresses(page)) > 12
    assert len(charts) == 1
    for address in [*addresses(page), *charts]:
        plain = client.get(address, base_url=HERE, headers={"Accept-Encoding": "identity"})
        packed = client.get(address, base_url=HERE, headers={"Accept-Encoding": encoding})
        assert packed.headers["Content-Encoding"] == encoding, address
        assert decompress(packed.data) == plain.data, address
        assert len(packed.data) < len(plain.data), address
        for answer in (plain, packed):
            assert answer.headers["Vary"] == "Accept-Encoding"
            assert {YEAR, "immutable", "public"} == set(answer.headers["Cache-Control"].split(", ")), address


def test_the_address_of_a_file_holds_a_digest_of_it(client: FlaskClient, page: str) -> None:
    digests = [re.findall(r"[?.][^?.]*m=?([0-9a-f]{16})", address) for address in addresses(page)]
    assert all(len(found) == 1 for found in digests)
    assert len({found[0] for found in digests}) == len(digests)


@pytest.mark.parametrize("address", ["/assets/rondblik.css", "/assets/rondblik.css?m=0123456789abcdef"])
def test_a_file_at_another_address_is_asked_for_each_time(client: FlaskClient, address: str) -> None:
    answer = client.get(address, base_url=HERE)
    assert answer.headers["Cache-Control"] == "no-cache"
    again = client.get(address, base_url=HERE, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_nothing_else_is_served(client: FlaskClient) -> None:
    for path in (
        f"{SUITES}dash/dash.py", f"{SUITES}dash/../dash/dcc/async-graph.js", f"{SUITES}flask/app.js",
        "/assets/../pyproject.toml", "/assets/%2e%2e/assets/rondblik.js", "/assets/niets.js",
    ):  # fmt: skip
        assert client.get(path, base_url=HERE).status_code == 404, path


def test_a_part_of_plotly_of_another_version_is_not_used(tmp_path: Path) -> None:
    part = tmp_path / "plotly.min.js"
    whole = chart_script(part)
    assert whole.stat().st_size > MOST_OF_CHARTS
    part.write_text("/**\n* plotly.js (basic - minified) v3.0.1\n*/\n")
    chart_script.cache_clear()
    assert chart_script(part) == whole


def test_the_installed_part_of_plotly_can_draw_the_charts() -> None:
    script = chart_script()
    assert script.stat().st_size <= MOST_OF_CHARTS, "the part of plotly.js is not installed: make .venv/.charts"
    assert {'name:"scatter"', 'name:"annotations"', 'name:"shapes"'} <= set(
        re.findall(r'name:"[a-z]+"', script.read_text())
    )
