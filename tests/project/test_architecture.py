"""What the documents say of the code is there: files, folders, modules, and the functions named with their module."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.project.code_names import ROOT, is_dotted_name, modules

PAGES = sorted(
    [*(ROOT / "docs").rglob("*.md"), *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md"))]
)
ARCHITECTURE = ROOT / "docs" / "architecture.md"
FOLDERS = "models|connectors|dashboard|assets|scripts|benchmarks|tests|docs"
_PATH = re.compile(rf"(?<![\w/.:-])(?:{FOLDERS})/[\w./*-]*[\w*/]")
_DOTTED = re.compile(r"(?<![\w/.-])(?:models|connectors|dashboard)(?:\.\w+)+")
_TEST_FILE = re.compile(r"(?<![\w/])test_[\w*]+\.py")
_LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)")


def name_of(page: Path) -> str:
    """The path of a page, for the names of tests."""
    return page.relative_to(ROOT).as_posix()


def paths_in(text: str) -> set[str]:
    """The paths that a text names; a `*` stands for any name."""
    return set(_PATH.findall(text))


def is_there(path: str) -> bool:
    """Whether a path of the repository leads to something."""
    return any(ROOT.glob(path.rstrip("/")))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_path_that_a_page_names_is_there(page: Path) -> None:
    assert [path for path in sorted(paths_in(page.read_text("utf-8"))) if not is_there(path)] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_module_and_function_that_a_page_names_is_there(page: Path) -> None:
    names = {name for name in _DOTTED.findall(page.read_text("utf-8")) if not name.endswith((".py", ".md"))}
    assert [name for name in sorted(names) if not is_dotted_name(name)] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_test_file_that_a_page_names_without_its_folder_is_there(page: Path) -> None:
    names = set(_TEST_FILE.findall(page.read_text("utf-8")))
    assert [name for name in sorted(names) if not any((ROOT / "tests").rglob(name))] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_of_a_page_leads_to_a_file(page: Path) -> None:
    links = _LINK.findall(page.read_text("utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_architecture_page_names_every_package() -> None:
    text = ARCHITECTURE.read_text("utf-8")
    packages = [name for name in modules() if name.count(".") == 1]
    named = {name.replace("/", ".").rstrip(".") for name in paths_in(text)} | set(_DOTTED.findall(text))
    missing = [package for package in packages if not any(name.startswith(package) for name in named)]
    assert missing == []


def test_readme_and_contributing_lead_to_the_architecture_page() -> None:
    for name in ("README.md", "CONTRIBUTING.md"):
        assert "docs/architecture.md" in (ROOT / name).read_text("utf-8"), name


def test_a_path_or_name_that_is_not_there_is_seen() -> None:
    assert paths_in("`models/results/scales.py` and models/nowhere/*.py.") == {
        "models/results/scales.py",
        "models/nowhere/*.py",
    }
    assert not is_there("models/nowhere/*.py")
    assert not is_dotted_name("models.results.scales.read_nothing")
    assert is_dotted_name("models.results.scales.read_score")
