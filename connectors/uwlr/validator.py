"""Our schemas, and the validation of a stream of bytes beside its reading.

A schema shared between threads mixes up their error texts, so each thread compiles its own. A parser with a target
never raises on what the schema has against a message: its error log is the verdict.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from importlib import resources
from types import TracebackType
from typing import Any, Protocol, cast

from lxml import etree

QUEUED_CHUNKS = 4

_compiled = threading.local()


def schema(name: str) -> etree.XMLSchema:
    """The compiled schema in file `name` of the package."""
    cache: dict[str, etree.XMLSchema] = _compiled.__dict__.setdefault("schemas", {})
    found = cache.get(name)
    if found is None:
        with resources.as_file(resources.files("connectors.uwlr") / "schemas") as folder:
            parser = etree.XMLParser(no_network=True, resolve_entities=False, load_dtd=False)
            found = cache[name] = etree.XMLSchema(etree.parse(str(folder / name), parser))
    return found


class FeedParser(Protocol):
    """What a parser with a target can do."""

    @property
    def feed_error_log(self) -> Sequence[Any]:
        """What schema and parser have said so far, as lxml log entries."""

    def feed(self, data: bytes) -> None:
        """Take the next bytes; raises XMLSyntaxError where they are not well-formed."""

    def close(self) -> None:
        """The end of the message."""


class Silent:
    """A parser target that keeps nothing."""

    def close(self) -> None:
        """Nothing was kept."""


def silent_parser(schema_name: str) -> FeedParser:
    """A parser that only validates, by the schema in `schema_name`."""
    make = cast("Callable[..., FeedParser]", etree.XMLParser)
    return make(
        target=Silent(),
        schema=schema(schema_name),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
    )


class Validation:
    """The verdict of a schema over chunks of bytes: the first chunk at once, the others in a thread beside.

    Used as a context; after it `failed` is the verdict. Within it `failed` may turn true early.
    """

    def __init__(self, schema_name: str) -> None:
        self.failed = False
        self._schema_name = schema_name
        self._first: bytes | None = None
        self._chunks: queue.Queue[bytes | None] = queue.Queue(QUEUED_CHUNKS)
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Validation:
        return self

    def feed(self, chunk: bytes) -> None:
        """Take the next chunk; a message of one chunk is judged at the end, without a thread."""
        if self._thread is None and self._first is None:
            self._first = chunk
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="validation", daemon=True)
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
            self._work()

    def _work(self) -> None:
        """Feed what comes until the end; after a failure only empty the queue."""
        parser = silent_parser(self._schema_name)
        try:
            while (chunk := self._chunks.get()) is not None:
                if not self.failed:
                    parser.feed(chunk)
                    self.failed = bool(parser.feed_error_log)
            if not self.failed:
                parser.close()
                self.failed = bool(parser.feed_error_log)
        except etree.XMLSyntaxError:
            self.failed = True
            while chunk is not None:
                chunk = self._chunks.get()
