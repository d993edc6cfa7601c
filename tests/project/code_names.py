"""The names in the code: modules, and what they define. Read from the sources; nothing is imported."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("models", "connectors", "dashboard")


@cache
def modules() -> dict[str, Path]:
    """The file of every module and package, by its dotted name."""
    files: dict[str, Path] = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            files[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return files


@cache
def defined_in(path: Path) -> frozenset[str]:
    """What a module defines: `name`, and `Class.name` for methods, fields and members."""
    names: set[str] = set()
    for node in ast.parse(path.read_text("utf-8")).body:
        names.update(_bound(node))
        if isinstance(node, ast.ClassDef):
            names.update(f"{node.name}.{name}" for inner in node.body for name in _bound(inner))
    return frozenset(names)


def _bound(node: ast.stmt) -> list[str]:
    """The names that a statement binds."""
    if isinstance(node, ast.ClassDef | ast.FunctionDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [target.id for target in targets if isinstance(target, ast.Name)]


def is_dotted_name(name: str) -> bool:
    """Whether a full dotted name is that of a module, or of something that a module defines."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        path = modules().get(".".join(parts[:end]))
        if path is not None:
            return end == len(parts) or ".".join(parts[end:]) in defined_in(path)
    return False


def is_short_name(name: str) -> bool:
    """Whether a name, with or without the last part of its module before it, is defined somewhere in the code."""
    module, _, inner = name.partition(".")
    for dotted, path in modules().items():
        last = dotted.rpartition(".")[2]
        if name == last or name in defined_in(path) or (inner and module == last and inner in defined_in(path)):
            return True
    return False
