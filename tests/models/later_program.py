"""This program as it is once somebody has added a column `remark` in the middle of `results` and its history.

Run with the address of a database, that of the folder with its keys, and the messages to take in; the last line tells
what became of them. What is changed is the source text of two modules, as the change itself would.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import json
import sys
import types
from collections.abc import Sequence
from pathlib import Path

CHANGES = {
    "models.schema.stored_result": {"    score: Long | None\n": "    remark: str | None\n    score: Long | None\n"},
    "models.ingest.result_store": {
        '"taken_on", "score",': '"taken_on", "remark", "score",',
        "taken_on, score, score_text, absence, info_url": (
            'taken_on, f"{key} has {score_text}" if key.startswith("remarked") else None, score, score_text, absence, '
            "info_url"
        ),
    },
}


class Changed(importlib.abc.Loader):
    """Loads a module from its source with something else in some places."""

    def __init__(self, path: str, changes: dict[str, str]) -> None:
        self.path, self.changes = path, changes

    def exec_module(self, module: types.ModuleType) -> None:
        """Run the changed source; every change must be of one place that is there."""
        source = Path(self.path).read_text("utf-8")
        for before, after in self.changes.items():
            assert source.count(before) == 1, f"{before!r} does not stand once in {self.path}"
            source = source.replace(before, after)
        exec(compile(source, self.path, "exec"), module.__dict__)


class Finder(importlib.abc.MetaPathFinder):
    """Finds the changed modules before Python finds them as they are."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The module with its changes, or None where it has none."""
        if name not in CHANGES:
            return None
        module_spec = importlib.machinery.PathFinder.find_spec(name, path)
        assert module_spec is not None
        assert module_spec.origin is not None
        return importlib.util.spec_from_loader(
            name, Changed(module_spec.origin, CHANGES[name]), origin=module_spec.origin
        )


def main(url: str, keys: str, sent: str) -> None:
    """Take in every message of `sent`: JSON of score, day and what its keys begin with."""
    sys.meta_path.insert(0, Finder())
    from connectors.uwlr.agreement import TOLERANT
    from models.schema import database, tables
    from models.schema.encryption import read_key
    from tests.conftest import Store
    from tests.models.every_kind import every_kind, read
    from tests.models.test_store import take

    assert "remark" in tables.results.columns
    cipher = read_key(Path(keys))
    assert cipher is not None
    store = Store(database.open_engine(url), cipher)
    receipts = [take(store, every_kind(*load), agreement=TOLERANT) for load in json.loads(sent)]
    print(json.dumps({"counts": [receipt.counts for receipt in receipts], "read": read(store.engine)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
