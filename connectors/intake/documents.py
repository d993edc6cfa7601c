"""What a file is, and the documents in it: a message, a file with pupil data, or a zip with many of them.

A zip from somebody else can fill a disk, so everything about it is limited before and while it is read.
"""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import BinaryIO
from xml.parsers import expat

from connectors.errors import ConnectorError, Fatal
from connectors.intake.judge import Spooled, spool
from connectors.uwlr import names
from connectors.uwlr.pupil_messages import ANSWERS

EDEXML_ROOT = "EDEX"
ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
MAX_MEMBERS = 2_000
MAX_RATIO = 200  # UWLR packs to a thirtieth at best
RATIO_FROM_BYTES = 8 * 1024 * 1024  # below that a ratio does no harm
MAX_DIRECTORY_BYTES = 2 * 1024 * 1024
CHUNK_BYTES = 256 * 1024
_LOOK_BYTES = 64 * 1024
_TAIL_BYTES = 4096
_CLOSED = re.compile(r"(</[^<>]*>|/>)\s*(<!--(?:[^-]|-(?!->))*-->\s*)*\Z")


class Content(StrEnum):
    """What a file holds, by its first bytes and its root."""

    ZIP = "zip"
    RESULTS = "results"
    ROSTER = "roster"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a file or archive; `spooled` is None where it could not be read, for the reason in `problem`."""

    name: str
    spooled: Spooled | None
    problem: ConnectorError | None = None


@dataclass(frozen=True, slots=True)
class Outline:
    """The tags of the root and, in an envelope, of what its Body holds first; None where there is none."""

    root: str | None
    payload: str | None


class Form(StrEnum):
    """The form in which a document holds its data."""

    REQUEST = "request"  # results in an envelope, as they are sent
    ANSWER = "answer"  # results in an envelope, as the answer to a request for them
    BARE = "bare"  # without an envelope
    PUPILS = "pupils"


def form_of(spooled: Spooled) -> Form:
    """The form of a document that is no zip; what cannot be read counts as bare."""
    if content_of(spooled) is Content.ROSTER:
        return Form.PUPILS
    outline = outline_of(spooled.file)
    if outline.root != names.ENVELOPE:
        return Form.BARE
    return Form.ANSWER if outline.payload == names.OPHALEN_ANTWOORD else Form.REQUEST


def content_of(spooled: Spooled) -> Content:
    """What a file holds. Whatever has the shape of a message counts as results: judging it finds what is wrong."""
    if is_zip(spooled.file):
        return Content.ZIP
    outline = outline_of(spooled.file)
    payload = outline.payload or outline.root
    if payload is None:
        return Content.OTHER
    if names.local(payload) in ANSWERS or payload == EDEXML_ROOT:
        return Content.ROSTER
    return Content.RESULTS


def is_zip(file: BinaryIO) -> bool:
    """Whether a file begins as a zip archive; it is put back to its start."""
    file.seek(0)
    magic = file.read(4)
    file.seek(0)
    return magic in ZIP_MAGIC


class _OutlineComplete(Exception):
    """The outline is complete."""


def outline_of(file: BinaryIO) -> Outline:
    """The outline of an XML file, from its first 64 KB; the file is put back to its start."""
    path: list[str] = []
    tags: list[str] = []

    def start(name: str, _: dict[str, str]) -> None:
        tag = "{" + name if "}" in name else name
        path.append(tag)
        if len(path) == 1:
            tags.append(tag)
            if tag != names.ENVELOPE:
                raise _OutlineComplete
        elif len(path) == 3 and path[1] == names.BODY:
            tags.append(tag)
            raise _OutlineComplete

    def end(_: str) -> None:
        path.pop()

    parser = expat.ParserCreate(namespace_separator="}")
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    file.seek(0)
    try:
        parser.Parse(file.read(_LOOK_BYTES), False)
    except (_OutlineComplete, expat.ExpatError, ValueError, LookupError):
        pass  # what was seen until here is the outline
    finally:
        file.seek(0)
    return Outline(tags[0] if tags else None, tags[1] if len(tags) > 1 else None)


def is_whole(spooled: Spooled) -> bool:
    """Whether the bytes end with a closing tag, as an XML document that was not cut off does."""
    spooled.file.seek(max(0, spooled.size - _TAIL_BYTES))
    tail = spooled.file.read(_TAIL_BYTES).replace(b"\x00", b"").decode("latin-1")
    spooled.file.seek(0)
    return _CLOSED.search(tail) is not None


def unpack(archive: Spooled, cap: int) -> Iterator[Document]:
    """The XML documents of a zip, one after the other, at most `cap` bytes in all.

    The receiver closes each. Raises Fatal where the archive as a whole is not to be trusted; a member that cannot be
    read comes as a Document with its problem, and the others still come.
    """
    _check_directory(archive)
    try:
        with zipfile.ZipFile(archive.file) as opened:
            members = [member for member in opened.infolist() if _is_document(member)]
            if len(opened.infolist()) > MAX_MEMBERS:
                raise _untrusted("te veel bestanden", "too many files")
            if not members:
                raise _untrusted("geen XML-bestanden", "no XML files")
            left = cap
            for member in members:
                document = _read_member(opened, member, left)
                left -= document.spooled.size if document.spooled is not None else 0
                yield document
    except (zipfile.BadZipFile, struct.error, UnicodeDecodeError):
        raise Fatal(
            "Het zipbestand is beschadigd; laat de leverancier het opnieuw maken.",
            "The zip file is damaged; have the supplier make it again.",
        ) from None


def _check_directory(archive: Spooled) -> None:
    """zipfile reads the whole list of members into memory: look at its size before."""
    archive.file.seek(max(0, archive.size - 22 - 65_536))
    tail = archive.file.read()
    archive.file.seek(0)
    end = tail.rfind(b"PK\x05\x06")
    if end < 0 or len(tail) < end + 22:
        raise Fatal(
            "Het zipbestand is niet compleet; laat de leverancier het opnieuw maken.",
            "The zip file is not complete; have the supplier make it again.",
        )
    size = struct.unpack_from("<L", tail, end + 12)[0]
    if size > MAX_DIRECTORY_BYTES or tail[max(0, end - 20) : end].startswith(b"PK\x06\x07"):
        raise _untrusted("een te lange inhoudsopgave", "a list of contents that is too long")


def _untrusted(nl: str, en: str) -> Fatal:
    return Fatal(
        f"Het zipbestand is niet gelezen: het heeft {nl}; laat de leverancier het herstellen.",
        f"The zip file was not read: it has {en}; have the supplier fix it.",
    )


def _is_document(member: zipfile.ZipInfo) -> bool:
    name = member.filename
    hidden = name.startswith("__MACOSX/") or name.rpartition("/")[2].startswith(".")
    return not member.is_dir() and not hidden and name.lower().endswith(".xml")


def _read_member(opened: zipfile.ZipFile, member: zipfile.ZipInfo, cap: int) -> Document:
    if member.flag_bits & 0x1:
        return _unreadable(member, "is versleuteld", "is encrypted")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return _unreadable(member, "is op een onbekende manier ingepakt", "is packed in an unknown way")
    try:
        return Document(member.filename, spool(_unpacked(opened, member, cap), cap))
    except _BombError:
        return _unreadable(member, "is uitgepakt te groot", "is too large when unpacked")
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError):
        return _unreadable(member, "is beschadigd", "is damaged")


class _BombError(Exception):
    """A member unpacks to more than is taken."""


def _unpacked(opened: zipfile.ZipFile, member: zipfile.ZipInfo, cap: int) -> Iterator[bytes]:
    """The bytes of a member; what its header says of its size is not believed."""
    size = 0
    with opened.open(member) as packed:
        while chunk := packed.read(CHUNK_BYTES):
            size += len(chunk)
            packed_size = max(1, member.compress_size)
            if size > cap or (size > RATIO_FROM_BYTES and size / packed_size > MAX_RATIO):
                raise _BombError
            yield chunk


def _unreadable(member: zipfile.ZipInfo, nl: str, en: str) -> Document:
    problem = Fatal(f"Een bestand in de zip {nl}.", f"A file in the zip {en}.")
    return Document(member.filename, None, problem)
