"""The names that scripts and style sheets share with the pages: no type checker follows them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
ASSETS = sorted((TOP / "assets").glob("*.js")) + sorted((TOP / "assets").glob("*.css"))
PYTHON = "\n".join(path.read_text() for path in sorted((TOP / "dashboard").rglob("*.py")))
NEAR_A_NUMBER = re.compile(r"\[((?:\"[a-z]+\",? ?)+)\]\.forEach\(function \(name\)")


def data_attributes(text: str) -> set[str]:
    """The data attributes that a script or a style sheet reads."""
    return set(re.findall(r"\bdata-[a-z]+(?:-[a-z]+)*", text))


@pytest.mark.parametrize("asset", ASSETS, ids=lambda path: path.name)
def test_every_data_attribute_of_an_asset_is_written_by_a_page(asset: Path) -> None:
    names = data_attributes(asset.read_text())
    assert [name for name in sorted(names) if name not in PYTHON and name.replace("-", "_") not in PYTHON] == []


def test_every_name_that_identifies_a_number_is_written_by_a_page() -> None:
    script = (TOP / "assets/rondblik.js").read_text()
    names = re.findall(r'"([a-z]+)"', "".join(NEAR_A_NUMBER.findall(script)))
    assert len(names) >= 6
    assert [name for name in names if f"data_{name}" not in PYTHON] == []
    explaining = (TOP / "dashboard/pages/class_page/why/page.py").read_text()
    asked = set(re.findall(r'question\.get\("([a-z]+)"', explaining)) - {"kind", "search"}
    assert asked == set(names)


@pytest.mark.parametrize("asset", ASSETS, ids=lambda path: path.name)
def test_every_id_that_a_script_looks_up_is_given_by_a_page(asset: Path) -> None:
    text = asset.read_text() if asset.suffix == ".js" else ""
    names = set(re.findall(r'getElementById\("([a-z-]+)"\)|set_props\("([a-z-]+)"|"#([a-z][a-z-]+)', text))
    ids = {name for group in names for name in group if name}
    assert [name for name in sorted(ids) if f'"{name}"' not in PYTHON] == []
