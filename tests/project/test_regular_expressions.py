"""A pattern that is put together has only what was escaped, or constants, in it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.project.code_names import ROOT

FUNCTIONS = {"compile", "search", "match", "fullmatch", "sub", "subn", "split", "findall", "finditer"}
# What may stand in a pattern besides texts and `re.escape(...)`: constants of the module, and what was escaped before.
KNOWN = {
    "models/ingest/erasure.py": {"either"},  # of `re.escape` of each value
    "connectors/intake/masking.py": {"pattern", "name"},  # the same; and of constants
}


def put_together(path: Path) -> Iterator[str]:
    """What stands in the patterns of a file that is neither text, nor escaped, nor a constant of a module."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
            continue
        if isinstance(node.func.value, ast.Name) and node.func.value.id == "re" and node.func.attr in FUNCTIONS:
            yield from _pieces(node.args[0])


def _pieces(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.JoinedStr):
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                yield from _pieces(part.value)
    elif isinstance(node, ast.BinOp):
        yield from _pieces(node.left)
        yield from _pieces(node.right)
    elif isinstance(node, ast.IfExp):
        yield from _pieces(node.body)
        yield from _pieces(node.orelse)
    elif not _harmless(node):
        yield ast.unparse(node)


def _harmless(node: ast.expr) -> bool:
    if isinstance(node, ast.Constant):
        return True
    text = ast.unparse(node)
    if text.startswith("re.escape("):
        return True
    if isinstance(node, ast.Attribute) and node.attr.isupper():
        return True
    names = [inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)]
    return all(name.strip("_").isupper() for name in names)


def test_a_pattern_holds_nothing_that_was_not_escaped() -> None:
    files = [path for part in ("models", "connectors", "dashboard") for path in (ROOT / part).rglob("*.py")]
    found = {str(path.relative_to(ROOT)): set(put_together(path)) for path in files}
    assert {name: pieces for name, pieces in found.items() if pieces} == KNOWN


def test_a_value_in_a_pattern_is_found(tmp_path: Path) -> None:
    file = tmp_path / "bad.py"
    file.write_text("import re\nre.search(rf'^{value}$' + OTHER, text)\nre.sub(re.escape(value), '', text)\n")
    assert list(put_together(file)) == ["value"]
