"""The gate for pupil data: bytes into a tree that can be trusted, and what the schema has against it.

A roster is small (a large school is a few megabytes), so it is read as a tree, under a cap of its own.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO
from xml.parsers import expat

from lxml import etree

from connectors.uwlr.rules import finding
from connectors.uwlr.soap import detect_encoding
from connectors.uwlr.validator import known_name, schema
from models.schema.records import Finding

MAX_BYTES = 64 * 1024 * 1024
MAX_NOTES = 40  # kinds of findings; each is counted, however often it occurs
MAX_SCHEMA_ERRORS = 1_000
CHILDREN_AT_ONCE = 500
_ENCODINGS = {"UTF-8", "UTF-16", "UTF-16LE", "UTF-16BE", "ISO-8859-1", "US-ASCII", "ASCII", "WINDOWS-1252", "CP1252"}
_ELEMENT = re.compile(r"^Element '(?:\{[^}]*\})?([^']*)'")


@dataclass(slots=True)
class _Note:
    node: etree._Element | None
    path: str | None
    count: int = 1


@dataclass(slots=True)
class Notes:
    """Findings while reading, one for each rule and element, with the first place and a count."""

    kept: dict[tuple[str, str], _Note] = field(default_factory=dict)

    def add(self, rule: str, node: etree._Element, element: str | None = None) -> None:
        """Note that `node` (or something in it, then `element` names it) goes against `rule`."""
        name = element if element is not None else local(node)
        self.add_found(rule, name if known_name(name) else "", lambda: node)

    def add_found(self, rule: str, element: str, find: Callable[[], etree._Element | None]) -> None:
        """As `add`, where the node has to be looked for; that is done for the first of its kind only."""
        note = self.kept.get((rule, element))
        if note is not None:
            note.count += 1
        elif len(self.kept) < MAX_NOTES:
            node = find()
            self.kept[rule, element] = _Note(node, None if node is None else path_of(node))

    def findings(self, content: bytes = b"") -> list[Finding]:
        """What was noted, errors first; with the bytes of the message also line and column of each."""
        nodes = [note.node for note in self.kept.values() if note.node is not None]
        locations = positions(content, nodes) if content and nodes else {}
        findings = []
        for (rule, name), note in self.kept.items():
            line, column = locations.get(note.node, (None, None)) if note.node is not None else (None, None)
            findings.append(finding(rule, element=name, count=note.count, path=note.path, line=line, column=column))
        return sorted(findings, key=lambda finding: finding.level != "error")


def positions(content: bytes, nodes: Collection[etree._Element]) -> dict[etree._Element, tuple[int, int]]:
    """Line and column, from 1, of elements in the bytes they were read from: lxml has no column, expat has."""
    elements = set(nodes)
    root = next(iter(elements)).getroottree().getroot()
    places = {place: node for place, node in enumerate(root.iter(etree.Element)) if node in elements}
    found: dict[etree._Element, tuple[int, int]] = {}
    counter = itertools.count()
    parser = expat.ParserCreate()

    def start(_name: str, _attributes: dict[str, str]) -> None:
        node = places.get(next(counter))
        if node is not None:
            found[node] = (parser.CurrentLineNumber, parser.CurrentColumnNumber + 1)

    parser.StartElementHandler = start
    parser.Parse(content, True)
    return found


class NotReadable(Exception):
    """The bytes may not be read; `findings` say why."""

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__(findings[-1].message_en)
        self.findings = findings


def local(node: etree._Element) -> str:
    """The name of an element without its namespace; "" for what is no element."""
    return node.tag.rpartition("}")[2] if isinstance(node.tag, str) else ""


def path_of(node: etree._Element) -> str:
    """Names from the root down with places among brothers of the same name; no values.

    `*` stands for a name that no schema of ours knows: the sender made it up, and it may say anything.
    """
    steps: list[str] = []
    for step in [node, *node.iterancestors()]:
        alike = step.itersiblings(preceding=True) if len(steps) < 2 else ()
        before = sum(1 for brother in alike if local(brother) == local(step))
        name = local(step) if known_name(local(step)) else "*"
        steps.append(f"{name}[{before + 1}]" if before else name)
    return "/" + "/".join(reversed(steps))


def all_bytes(data: bytes | BinaryIO) -> bytes:
    """The bytes of a message; raises NotReadable above MAX_BYTES."""
    content = data if isinstance(data, bytes) else data.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise NotReadable([finding("xml.size")])
    return content


def parse(content: bytes) -> tuple[etree._Element, list[Finding]]:
    """The root of a message without comments, and warnings; raises NotReadable for what the gate refuses."""
    findings = detect_encoding(content[:1024])
    if any(finding.level == "error" for finding in findings):
        raise NotReadable(findings)
    tree = _tree(content, keep_comments=True)
    if tree.docinfo.doctype:
        raise NotReadable([finding("xml.doctype")])
    if tree.xpath("boolean(//processing-instruction())"):
        raise NotReadable([finding("xml.processing-instruction")])
    if (tree.docinfo.encoding or "UTF-8").upper() not in _ENCODINGS:
        raise NotReadable([finding("xml.encoding")])
    if tree.xpath("boolean(//comment())"):
        findings += _comments_in_text(tree)
        tree = _tree(content, keep_comments=False)
    return tree.getroot(), findings


def _tree(content: bytes, *, keep_comments: bool) -> etree._ElementTree:
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=not keep_comments,
    )
    try:
        return etree.fromstring(content, parser).getroottree()
    except etree.XMLSyntaxError as broken:
        line, column = broken.position
        raise NotReadable([finding("xml.well-formed", line=max(line, 1), column=max(column, 1))]) from None


def _comments_in_text(tree: etree._ElementTree) -> list[Finding]:
    for comment in tree.iter(etree.Comment):
        parent = comment.getparent()
        if parent is None:
            continue
        before = comment.getprevious()
        text = parent.text if before is None else before.tail
        if (text or "").strip() or (comment.tail or "").strip():
            return [finding("xml.comment-in-text", path=path_of(parent), line=comment.sourceline)]
    return []


# -- schema ----------------------------------------------------------------------------------------------------


def note_schema_errors(root: etree._Element, schema_name: str, notes: Notes) -> None:
    """Note what the schema has against a message; work and memory stay bounded however much is wrong.

    The validator collects every error before it returns, which takes a minute for a message that is wrong
    throughout. So the long lists are shown to it in portions, until there are enough errors.
    """
    compiled = schema(schema_name)
    seen = 0
    for _ in _in_portions(root):
        if compiled.validate(root):
            continue
        for entry in list(compiled.error_log)[:MAX_SCHEMA_ERRORS]:
            named = _ELEMENT.match(entry.message)
            node = _node_at(root, entry.path or "")
            notes.add("roster.schema", node, element=named[1] if named else local(node))
            seen += 1
        if seen >= MAX_SCHEMA_ERRORS:
            return


def _node_at(root: etree._Element, path: str) -> etree._Element:
    """The element that a path of the validator (`/a:b/*[2]/a:c[3]`) leads to, as far as it can be followed.

    No XPath: a prefix in the path says nothing without the place where it was declared.
    """
    node = root
    for step in path.strip("/").split("/")[1:]:
        name, _, place = step.partition("[")
        prefix, _, wanted = name.rpartition(":")
        alike = [
            child
            for child in node
            if name == "*" or (local(child), child.prefix or "") == (wanted, prefix)
        ]  # fmt: skip
        index = int(place.rstrip("]")) - 1 if place else 0
        if index >= len(alike):
            return node
        node = alike[index]
    return node


def _in_portions(root: etree._Element) -> Iterator[None]:
    """Leave in the long lists of `root` one portion after the other; afterwards all is as it was."""
    lists = [(node, list(node)) for node in root.iter() if local(node) in ("leerlingen", "leerkrachten", "groepen")]
    lists = [(node, children) for node, children in lists if len(children) > CHILDREN_AT_ONCE]
    longest = max((len(children) for _, children in lists), default=1)
    try:
        for start in range(0, longest, CHILDREN_AT_ONCE):
            for node, children in lists:
                portion = children[start : start + CHILDREN_AT_ONCE]
                node[:] = portion or children[:1]
            yield
    finally:
        for node, children in lists:
            node[:] = children
