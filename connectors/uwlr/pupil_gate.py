"""Parses messages with pupil data safely, and notes what is wrong by the schema.

A roster is small (a few megabytes for a large school), so it is read as a tree, with a size limit of its own.
"""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO
from xml.parsers import expat

from lxml import etree

from connectors.uwlr import malformed
from connectors.uwlr.rules import finding
from connectors.uwlr.soap import detect_encoding
from connectors.uwlr.validator import known_name, schema
from models.schema.records import Finding

MAX_BYTES = 64 * 1024 * 1024
MAX_NOTES = 40  # kinds of findings; every occurrence is counted
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
    """The findings so far, one for each rule and element, with the first location and a count."""

    by_kind: dict[tuple[str, str], _Note] = field(default_factory=dict)

    def add(self, rule: str, node: etree._Element, element: str | None = None) -> None:
        """Note that `node` breaks `rule`, or that something in it does: then `element` is its name."""
        name = element if element is not None else local(node)
        self.add_lazily(rule, name if known_name(name) else "", lambda: node)

    def add_lazily(self, rule: str, element: str, find: Callable[[], etree._Element | None]) -> None:
        """As `add`, where finding the node takes a search, which is made for the first of its kind only."""
        note = self.by_kind.get((rule, element))
        if note is not None:
            note.count += 1
        elif len(self.by_kind) < MAX_NOTES:
            node = find()
            self.by_kind[rule, element] = _Note(node, None if node is None else path_of(node))

    def findings(self, content: bytes = b"") -> list[Finding]:
        """The findings, errors first; with the bytes of the message also with line and column."""
        nodes = [note.node for note in self.by_kind.values() if note.node is not None]
        locations = positions(content, nodes) if content and nodes else {}
        findings = []
        for (rule, name), note in self.by_kind.items():
            line, column = locations.get(note.node, (None, None)) if note.node is not None else (None, None)
            findings.append(finding(rule, element=name, count=note.count, path=note.path, line=line, column=column))
        return sorted(findings, key=lambda finding: finding.level != "error")


def positions(content: bytes, nodes: Collection[etree._Element]) -> dict[etree._Element, tuple[int, int]]:
    """Line and column, from 1, of elements in the bytes that they were parsed from: expat has columns, lxml has not."""
    node_set = set(nodes)
    root = next(iter(node_set)).getroottree().getroot()
    nodes_by_index = {index: node for index, node in enumerate(root.iter(etree.Element)) if node in node_set}
    locations: dict[etree._Element, tuple[int, int]] = {}
    counter = itertools.count()
    parser = expat.ParserCreate()

    def start(_name: str, _attributes: dict[str, str]) -> None:
        node = nodes_by_index.get(next(counter))
        if node is not None:
            locations[node] = (parser.CurrentLineNumber, parser.CurrentColumnNumber + 1)

    parser.StartElementHandler = start
    parser.Parse(content, True)
    return locations


class NotReadable(Exception):
    """The message is refused before it is read; `findings` say why."""

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__(findings[-1].message_en)
        self.findings = findings


def local(node: etree._Element) -> str:
    """The name of an element without its namespace; "" for a comment or processing instruction."""
    return node.tag.rpartition("}")[2] if isinstance(node.tag, str) else ""


def path_of(node: etree._Element) -> str:
    """The path from the root, with the position among siblings of the same name; no values.

    `*` stands for a name that is in none of our schemas: the sender made it up, so it may be personal data.
    """
    steps: list[str] = []
    for step in [node, *node.iterancestors()]:
        same_name = step.itersiblings(preceding=True) if len(steps) < 2 else ()
        before = sum(1 for sibling in same_name if local(sibling) == local(step))
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
    """The root of a message without comments, and warnings; raises NotReadable for unsafe or malformed XML."""
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
        raise NotReadable([malformed.explain(io.BytesIO(content)) or _stricter(broken)]) from None


def _stricter(broken: etree.XMLSyntaxError) -> Finding:
    """The finding on what libxml2 alone has against a message."""
    line, column = broken.position
    return finding(malformed.explain_libxml2(list(broken.error_log)), line=max(line, 1), column=max(column, 1))


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
    """Note the schema errors of a message, in bounded time and memory.

    The validator collects every error before it returns, which takes a minute for a message that is wrong
    throughout. So the long lists are validated in portions, until there are enough errors.
    """
    compiled = schema(schema_name)
    error_count = 0
    for _ in _in_portions(root):
        if compiled.validate(root):
            continue
        for entry in list(compiled.error_log)[:MAX_SCHEMA_ERRORS]:
            match = _ELEMENT.match(entry.message)
            node = _node_at(root, entry.path or "")
            notes.add("roster.schema", node, element=match[1] if match else local(node))
            error_count += 1
        if error_count >= MAX_SCHEMA_ERRORS:
            return


def _node_at(root: etree._Element, path: str) -> etree._Element:
    """The element that a path of the validator (`/a:b/*[2]/a:c[3]`) leads to, as far as it can be followed.

    Not by XPath: a prefix in the path means nothing without its declaration.
    """
    node = root
    for step in path.strip("/").split("/")[1:]:
        name, _, index_text = step.partition("[")
        prefix, _, wanted_name = name.rpartition(":")
        same_name = [
            child
            for child in node
            if name == "*" or (local(child), child.prefix or "") == (wanted_name, prefix)
        ]  # fmt: skip
        index = int(index_text.rstrip("]")) - 1 if index_text else 0
        if index >= len(same_name):
            return node
        node = same_name[index]
    return node


def _in_portions(root: etree._Element) -> Iterator[None]:
    """Reduce the long lists of `root` to one portion after the other; afterwards the tree is as before."""
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
