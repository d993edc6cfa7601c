"""What reads or writes data of a school takes who looks: every public function that pages reach, by its parameters."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
STORE = {"connection", "engine"}
LAYERS = ("models/access", "models/classroom", "models/results")  # all of them; of others what pages import
PAGES = ("dashboard/pages", "dashboard/export", "dashboard/ui")
# Each with the reason why no viewer is asked for.
WITHOUT = {
    # Who somebody is, before there is a viewer; of one account or invitation, which the caller proved.
    "models.access.accounts": {
        "signed_in", "roles_of", "find_invitation", "accept", "accept_by_mail", "make_administrator",
        "is_role_now",
    },
    "models.access.local_accounts": {
        "exists_any", "names", "add", "remove", "check", "has_password", "change_password",
    },
    "models.access.audit": {"audit_log", "open_audit"},  # whose methods ask for a viewer themselves
    # Of tests and subjects, not of pupils; the rows that lead there were read for a viewer.
    "models.results.catalogue": {"catalogue_of", "catalogue", "load_bodies", "load_parts", "test_versions"},
    "models.results.subject_mapping": {"subject_mapping"},
    # Of whoever has the token; the pages compare the school that it is of.
    "models.ingest.page_requests": {"submit", "find", "file_of", "last_run"},
    # Test addresses of vendors, with made-up pupils; of whoever has the token.
    "models.sandbox.sandboxes": {
        "create_sandbox", "find_sandbox", "erase_sandbox", "arrivals", "arm_fault", "confirm_shown",
    },
    "models.schema.database": {"read_transaction", "short_write", "write_transaction"},
}  # fmt: skip


def public_functions(path: Path) -> Iterator[tuple[str, set[str]]]:
    """The public functions and methods of a module, with the names of their parameters."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        inner = node.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_") else [node]
        for function in inner:
            if isinstance(function, ast.FunctionDef) and not function.name.startswith("_"):
                arguments = function.args
                named = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
                yield function.name, {one.arg for one in named}


def imported(path: Path) -> Iterator[tuple[str, str]]:
    """What a module takes from the models: the module and the name there; also a name behind the name of a module."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    modules = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module is not None and node.module.startswith("models"):
            for one in node.names:
                yield node.module, one.name
                modules[one.asname or one.name] = f"{node.module}.{one.name}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            yield modules[node.value.id], node.attr


def reachable() -> set[tuple[str, str]]:
    """The functions that have the store, of the layers for pages and of what pages import from others."""
    wanted = {item for folder in PAGES for path in (ROOT / folder).rglob("*.py") for item in imported(path)}
    found = set()
    for path in (ROOT / "models").rglob("*.py"):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        of_layer = any(str(path.relative_to(ROOT)).startswith(f"{layer}/") for layer in LAYERS)
        for name, parameters in public_functions(path):
            if parameters & STORE and "viewer" not in parameters and (of_layer or (module, name) in wanted):
                found.add((module, name))
    return found


def test_every_function_for_pages_takes_a_viewer_or_has_a_reason() -> None:
    known = {(module, name) for module, names in WITHOUT.items() for name in names}
    assert sorted(reachable() - known) == []


def test_no_reason_is_left_over() -> None:
    found = reachable()
    left = {(module, name) for module, names in WITHOUT.items() for name in names} - found
    assert sorted(left) == []
