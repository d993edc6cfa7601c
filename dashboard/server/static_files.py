"""Scripts and style sheets: read and compressed once for each process, at addresses that hold a digest of the content.

A browser keeps a file for a year without asking again: what changes gets another address. Charts are drawn by the part
of plotly.js that they need where that is installed (`make` fetches it, docs/adr/0036), else by the whole.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import logging
import mimetypes
import re
import sys
import threading
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import brotli
import dash
import flask
from dash.fingerprint import build_fingerprint, check_fingerprint
from plotly.offline import get_plotlyjs_version

SUITES, ASSETS = "/_dash-component-suites/", "/assets/"
YEAR_SECONDS = 365 * 24 * 3600
DIGEST_LENGTH = 16
BROTLI_QUALITY, GZIP_LEVEL = 9, 9
STATIC_FILES = "rondblik-static-files"  # under which a Flask server has those of its app
KINDS = frozenset({".js", ".css"})

CHART_PACKAGE, CHART_SCRIPT = "plotly", "package_data/plotly.min.js"
CHART_PART = Path(sys.prefix) / "share" / "rondblik" / "plotly.min.js"
_log = logging.getLogger("rondblik.web")
_VERSION = re.compile(rb"plotly\.js (?:\([a-z -]+\) )?v([0-9.]+)")
_ADDRESS = re.compile(r'(?<=["=])/(?:_dash-component-suites|assets)/[^"\s>]+')


@dataclass(frozen=True)
class StaticFile:
    """A file with its content, from which all else follows."""

    content: bytes
    mimetype: str

    @cached_property
    def digest(self) -> str:
        """The part of its address that changes with the content; hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()[:DIGEST_LENGTH]

    @cached_property
    def brotli(self) -> bytes:
        """The content, compressed."""
        return bytes(brotli.compress(self.content, mode=brotli.MODE_TEXT, quality=BROTLI_QUALITY))

    @cached_property
    def gzip(self) -> bytes:
        """The content, compressed for browsers without brotli."""
        return gzip.compress(self.content, GZIP_LEVEL, mtime=0)


@cache
def _read(path: Path) -> StaticFile:
    """A file of this installation, which does not change while the program runs."""
    return StaticFile(path.read_bytes(), mimetypes.types_map[path.suffix])


@cache
def chart_script(part: Path = CHART_PART) -> Path:
    """The script that draws charts: the part that is installed, if it is of the version that the package has."""
    if part.is_file():
        with part.open("rb") as script:
            found = _VERSION.search(script.read(200))
        if found is not None and found[1].decode() == get_plotlyjs_version():
            return part
    return _package_folder(CHART_PACKAGE) / CHART_SCRIPT


@cache
def _package_folder(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


class StaticFiles:
    """The static files of one Dash app."""

    def __init__(self, app: dash.Dash) -> None:
        self._app = app
        self._assets = Path(app.config.assets_folder)

    def find(self, path: str) -> StaticFile | None:
        """The file at the path of an address, whatever digest that holds; None where it is none of ours."""
        file = self._file(path)
        return _read(file) if file is not None and file.suffix in KINDS and file.is_file() else None

    def _file(self, path: str) -> Path | None:
        if path.startswith(ASSETS):
            name = path.removeprefix(ASSETS)
            return self._assets / name if "/" not in name else None
        package, _slash, fingerprinted = path.removeprefix(SUITES).partition("/")
        name = check_fingerprint(fingerprinted)[0]
        if not path.startswith(SUITES) or name not in self._app.registered_paths.get(package, ()):
            return None
        return chart_script() if (package, name) == (CHART_PACKAGE, CHART_SCRIPT) else _package_folder(package) / name

    def with_digests(self, html: str) -> str:
        """The tags of scripts and style sheets, with the address of each as `address` gives it."""
        return _ADDRESS.sub(lambda match: self.address(match[0].partition("?")[0]), html)

    def address(self, path: str) -> str:
        """The address of a file with its digest; the path itself where there is no such file."""
        file = self.find(path)
        if file is None:
            return path
        if path.startswith(ASSETS):
            return f"{path}?m={file.digest}"
        return str(build_fingerprint(check_fingerprint(path)[0], dash.__version__, file.digest))

    def chart_address(self) -> str:
        """The address of the script that draws charts."""
        return self.address(f"{SUITES}{CHART_PACKAGE}/{CHART_SCRIPT}")

    def answer(self) -> flask.Response | None:
        """Before a request for a static file: the file, as the browser accepts it; None for any other request."""
        request = flask.request
        if request.method not in ("GET", "HEAD") or not request.path.startswith((SUITES, ASSETS)):
            return None
        file = self.find(request.path)
        return None if file is None else _response(file, _is_lasting(file))

    def compress_ahead(self) -> None:
        """Compress what every page asks for, and the charts, in a thread: the first browser does not wait for it."""
        threading.Thread(target=self._compress, daemon=True).start()

    def _compress(self) -> None:
        tags = (
            self._app._generate_css_dist_html() + self._app._generate_scripts_html()
        )  # Dash has no other list of them
        try:
            for path in [*(address.partition("?")[0] for address in _ADDRESS.findall(tags)), self.chart_address()]:
                file = self.find(path)
                if file is not None:
                    _body(file, "br")
                    _body(file, "gzip")
        except OSError as failed:  # no file can be opened now; the first browser that asks for it waits a little
            _log.warning("Static files could not be compressed ahead (%s).", type(failed).__name__)


def _is_lasting(file: StaticFile) -> bool:
    """Whether the address of the request holds the digest of the file, or a fingerprint that is part of a script."""
    path = flask.request.path
    if path.startswith(ASSETS):
        return flask.request.args.get("m") == file.digest
    return bool(check_fingerprint(path)[1])


def _response(file: StaticFile, is_lasting: bool) -> flask.Response:
    accepted = flask.request.accept_encodings
    encoding = next((name for name in ("br", "gzip") if accepted[name]), None)
    response = flask.Response(_body(file, encoding), mimetype=file.mimetype)
    response.vary.add("Accept-Encoding")
    if encoding is not None:
        response.content_encoding = encoding
    if is_lasting:
        response.cache_control.public = True
        response.cache_control.max_age = YEAR_SECONDS
        response.cache_control.immutable = True
    else:
        response.cache_control.no_cache = True
        response.set_etag(f"{file.digest}-{encoding or 'plain'}")
        response.make_conditional(flask.request)
    return response


def _body(file: StaticFile, encoding: str | None) -> bytes:
    if encoding == "br":
        return file.brotli
    return file.gzip if encoding == "gzip" else file.content
