"""What a changed configuration does to connections stands in the audit log of the school, once."""

from __future__ import annotations

import json
from pathlib import Path

from tests.conftest import Store
from tests.dashboard.installation import Installation

SCHOOL = """\
schools:
  - name: De Horizon
    identifications: [{brin: 99XX}]
"""
SENDER = """\
senders:
  - id: spelsprong
    customer_name: Spelsprong
    customer_code: spelsprong-code
    keys: [KEYS]
    covers: [{brin: 99XX}]
"""
OLD, NEW = "a-key-of-twenty-characters", "another-key-of-thirty-characters"


def test_each_change_is_noted_once(store: Store, tmp_path: Path) -> None:
    data = tmp_path / "data"
    installation = Installation(data, store.engine.url.render_as_string(hide_password=False), data)
    store.engine.dispose()  # nobody else may have it open while its key is replaced
    sender = SENDER.replace("KEYS", OLD)
    steps = (
        (SCHOOL, []),
        (SCHOOL + sender, ["connection added"]),
        (SCHOOL + sender, []),
        (SCHOOL + SENDER.replace("KEYS", f"{OLD}, {NEW}"), ["sender key added"]),
        (SCHOOL + SENDER.replace("KEYS", NEW), ["sender key revoked"]),
        (SCHOOL + SENDER.replace("KEYS", NEW) + "    policy: tolerant\n", ["sender terms changed"]),
        (
            SCHOOL + SENDER.replace("KEYS", NEW) + "    policy: tolerant\n    agreement: {mandate: het bestuur}\n",
            ["connection agreement changed"],
        ),
        (SCHOOL, ["connection removed"]),
    )
    expected: list[str] = []
    for text, actions in steps:
        (data / "config.yaml").write_text(f"data: .\n{text}", encoding="utf-8")
        code, _out, errors = installation.outcome("sync")
        assert (code, errors) == (0, ""), text
        expected += actions
        events = noted(installation)
        assert [event["about"]["action"] for event in events] == expected
    assert {(event["user_name"], event["role"]) for event in events} == {("config.yaml", "administrator")}
    assert OLD not in json.dumps(events)
    assert installation.run("key", "rotate") == (0, "")
    assert noted(installation)[-1]["about"]["action"] == "store key replaced"


def noted(installation: Installation) -> list[dict[str, dict[str, str]]]:
    """The changes in the log of the school, as `rondblik audit export` prints them."""
    code, out, _errors = installation.outcome("audit", "export", "1")
    assert code == 0
    events = [json.loads(line) for line in out.splitlines()]
    return [event for event in events if event["kind"] == "Administered"]
