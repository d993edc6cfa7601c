"""Programs that `make test` runs only in part, or not at all, can still be started."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import benchmarks
from tests import faults

PROGRAMS = [
    f"{package.__name__}.{module.name}"
    for package in (benchmarks, faults)
    for module in pkgutil.iter_modules(package.__path__)
    if not module.name.startswith("test_")
]


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_finds_what_it_imports(name: str) -> None:
    importlib.import_module(name)
