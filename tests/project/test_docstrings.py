"""A docstring that says what is raised names an exception that exists."""

from __future__ import annotations

import ast
import builtins
import re

from tests.project.code_names import modules

RAISES = re.compile(r"\b[Rr]aises?\s+([A-Z]\w+(?:(?:,\s+|\s+and\s+|\s+or\s+)[A-Z]\w+)*)")
ELSEWHERE = {"SQLAlchemyError", "UsageError", "XMLSyntaxError"}  # of libraries


def test_what_a_docstring_says_is_raised_is_an_exception_of_the_code() -> None:
    trees = {name: ast.parse(path.read_text("utf-8")) for name, path in modules().items()}
    known = {node.name for tree in trees.values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    known |= ELSEWHERE | set(dir(builtins))
    wrong = [
        f"{name}: {raised}"
        for name, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module)
        for names in RAISES.findall(ast.get_docstring(node) or "")
        for raised in re.findall(r"[A-Z]\w+", names)
        if raised not in known
    ]
    assert wrong == []
