"""Compiles our schemas, and validates a stream of bytes in parallel with its reading.

A schema shared between threads mixes up their error texts, so each thread compiles its own. They do so one at a time:
libxml2 creates its built-in types when it compiles its first schema, without locking. A parser with a target never
raises on a schema error: its error log tells whether the message is valid.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from importlib import resources
from pathlib import PurePosixPath
from types import TracebackType
from typing import Any, Protocol, cast

from lxml import etree

from connectors.uwlr import names

QUEUED_CHUNKS = 4
COMPILE_TIMES = 50
MEMORY = "memory:/"  # the folder of our schemas
_MISSED = ("IO_ENOENT", "SCHEMAP_WARN_UNLOCATED_SCHEMA")  # said of a schema that cannot be read
_XS = "{http://www.w3.org/2001/XMLSchema}"
_MOMENTS = ("xs:date", "xs:dateTime")

_compiled = threading.local()
_compiling = threading.Lock()


def schema(name: str) -> etree.XMLSchema:
    """The compiled schema in file `name` of the package, for this thread only."""
    cache: dict[str, etree.XMLSchema] = _compiled.__dict__.setdefault("schemas", {})
    schema = cache.get(name)
    if schema is None:
        with _compiling:
            schema = cache[name] = _compile(name)
    return schema


def prepare() -> None:
    """Compile every schema of results in this thread, so that an error in one shows before anything is served."""
    for name in {*names.VERSIONS.values(), names.TOLERANT_SCHEMA}:
        schema(name)


def _compile(name: str) -> etree.XMLSchema:
    """Compile a schema; again where another thread that has just parsed something took the loader of files away.

    libxml2 has one for all threads, and lxml puts ours there and the former one back around each parse.
    """
    for _time in range(COMPILE_TIMES):
        parser = etree.XMLParser(no_network=True, resolve_entities=False, load_dtd=False)
        parser.resolvers.add(_OurSchemas())
        try:
            compiled = etree.XMLSchema(etree.fromstring(_adapted()[name], parser, base_url=MEMORY + name))
        except etree.XMLSchemaParseError as failed:
            broken = failed
            continue
        if not any(entry.type_name in _MISSED for entry in compiled.error_log):
            return compiled
        broken = etree.XMLSchemaParseError("a schema that it names was not found")
    raise broken


class _OurSchemas(etree.Resolver):
    """Provides our schemas to each other from memory, where no file needs to be opened, nor is there one to be found.

    So a schema of which a part is missing fails, and is not made of the files that are not adapted.
    """

    def resolve(self, system_url: str | None, public_id: str | None, context: Any) -> Any:
        """One of our schemas, as adapted; None for any other file."""
        adapted = _adapted().get(PurePosixPath(system_url or "").name)
        return None if adapted is None else self.resolve_string(adapted, context, base_url=system_url)


@cache
def _adapted() -> dict[str, bytes]:
    """Our schemas by the name of their file, with white space allowed around dates and times.

    XML Schema strips that white space before it checks a value, and libxml2 does so where a type has a pattern, but
    not for its built-in date types. So they get a pattern, in a union with the built-in type, which xsi:type may name.
    The schemas that we publish to senders have the types of the standard.
    """
    adapted = {}
    for file in (resources.files("connectors.uwlr") / "schemas").iterdir():
        if not file.name.endswith(".xsd"):
            continue
        root = etree.fromstring(file.read_bytes())
        for element in root.iter(f"{_XS}element"):
            plain = element.get("type")
            if plain in _MOMENTS:
                del element.attrib["type"]
                union = etree.SubElement(
                    etree.SubElement(element, f"{_XS}simpleType"), f"{_XS}union", memberTypes=plain
                )
                trimmed = etree.SubElement(etree.SubElement(union, f"{_XS}simpleType"), f"{_XS}restriction", base=plain)
                etree.SubElement(trimmed, f"{_XS}pattern", value=r"\S+")
        adapted[file.name] = etree.tostring(root)
    return adapted


def known_name(name: str) -> bool:
    """Whether one of our schemas has an element with this local name; any other was made up by the sender."""
    return name in _element_names()


@cache
def _element_names() -> frozenset[str]:
    elements = [element for schema in _adapted().values() for element in etree.fromstring(schema).iter(f"{_XS}element")]
    return frozenset(name for element in elements if (name := element.get("name")) is not None)


class FeedParser(Protocol):
    """The methods of a parser with a target."""

    @property
    def feed_error_log(self) -> Sequence[Any]:
        """The errors of schema and parser so far, as lxml log entries."""

    def feed(self, data: bytes) -> None:
        """Parse the next bytes; raises XMLSyntaxError where they are not well-formed."""

    def close(self) -> None:
        """The end of the message."""


class _DiscardingTarget:
    """A parser target that builds nothing."""

    def close(self) -> None:
        """Return nothing: no tree was built."""


@contextmanager
def silent_parser(schema_name: str) -> Iterator[FeedParser]:
    """A parser that only validates against the schema in `schema_name`.

    It is closed in any case: of one that is not, lxml never frees what libxml2 knows of the message, names above all.
    """
    make = cast("Callable[..., FeedParser]", etree.XMLParser)
    parser = make(
        target=_DiscardingTarget(),
        schema=schema(schema_name),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
    )
    try:
        yield parser
    finally:
        with suppress(etree.XMLSyntaxError):
            parser.close()


class Validation:
    """Validates a message in chunks: one chunk in the calling thread, more in a thread of their own.

    A context manager; afterwards `failed` tells whether the message is invalid. It may turn true before the end. An
    exception in the thread is raised again when the context is left.
    """

    def __init__(self, schema_name: str) -> None:
        self.failed = False
        self._schema_name = schema_name
        self._first: bytes | None = None
        self._chunks: queue.Queue[bytes | None] = queue.Queue(QUEUED_CHUNKS)
        self._thread: threading.Thread | None = None
        self._ended = False
        self._broken: BaseException | None = None

    def __enter__(self) -> Validation:
        return self

    def feed(self, chunk: bytes) -> None:
        """Add the next chunk; a message of one chunk is validated at the end, without a thread."""
        if self._thread is None and self._first is None:
            self._first = chunk
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._run_thread, name="validation", daemon=True)
            self._thread.start()
            self._chunks.put(self._first)
        self._chunks.put(chunk)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._chunks.put(self._first if self._thread is None else None)
        if self._thread is not None:
            self._thread.join()
        else:
            self._chunks.put(None)
            self._validate()
        if self._broken is not None:
            raise self._broken

    def _run_thread(self) -> None:
        """The thread: it must empty the queue whatever happens, because the reader waits for room in it."""
        try:
            self._validate()
        except BaseException as broken:  # noqa: BLE001 - raised again in the thread that reads
            self._broken = broken
            self._empty()

    def _validate(self) -> None:
        """Validate chunks until the end; after a failure only empty the queue."""
        try:
            with silent_parser(self._schema_name) as parser:
                while (chunk := self._next()) is not None:
                    if not self.failed:
                        parser.feed(chunk)
                        self.failed = bool(parser.feed_error_log)
                if not self.failed:
                    parser.close()
                    self.failed = bool(parser.feed_error_log)
        except etree.XMLSyntaxError:
            self.failed = True
            self._empty()

    def _next(self) -> bytes | None:
        chunk = self._chunks.get()
        self._ended = chunk is None
        return chunk

    def _empty(self) -> None:
        while not self._ended:
            self._next()
