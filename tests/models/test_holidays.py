"""School days by region; a file of an administrator takes the place of ours, and a wrong one is refused."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from dashboard.settings import applying, loading
from dashboard.settings.errors import ConfigError
from models.classroom.holidays import KINDS, REGIONS, HolidaysUnreadable, read_holidays
from models.schema.tables import schools as schools_table
from tests.conftest import Store


@pytest.mark.parametrize(
    ("day", "region", "is_school"),
    [
        ("2026-10-12", "noord", False),
        ("2026-10-12", "zuid", True),
        ("2026-10-19", "noord", True),
        ("2026-10-19", "midden", False),
        ("2026-11-26", "midden", True),
        ("2026-11-28", "midden", False),  # Saturday
        ("2026-12-25", "noord", False),
        ("2027-03-26", "zuid", False),  # Good Friday
        ("2027-03-29", "zuid", False),  # Easter Monday
        ("2027-04-27", "zuid", False),  # King's Day
        ("2027-05-17", "zuid", False),  # Whit Monday
        ("2027-05-18", "zuid", True),
    ],
)
def test_a_day_with_school(day: str, region: str, is_school: bool) -> None:
    assert read_holidays().is_school_day(date.fromisoformat(day), region) is is_school


def test_school_days_are_counted_after_the_first_up_to_the_last() -> None:
    ours = read_holidays()
    assert ours.school_days(date(2026, 11, 20), date(2026, 11, 26), "midden") == 4
    assert ours.school_days(date(2026, 10, 16), date(2026, 10, 26), "midden") == 1
    assert ours.school_days(date(2026, 11, 26), date(2026, 11, 26), "midden") == 0
    assert ours.school_days(date(2026, 11, 27), date(2026, 11, 26), "midden") == 0


def test_every_region_has_five_holidays_a_year_that_do_not_overlap() -> None:
    ours = read_holidays()
    for region in REGIONS:
        holidays = ours.between(date(2025, 8, 31), date(2028, 8, 1), region)
        assert [holiday.kind for holiday in holidays] == [*KINDS] * 3
        assert all(before.last + timedelta(days=1) < after.first for before, after in pairwise(holidays))


OWN = """
[[year]]
label = "2026-2027"
[year.autumn]
noord = ["2026-11-02", "2026-11-06"]
midden = ["2026-11-02", "2026-11-06"]
zuid = ["2026-11-02", "2026-11-06"]
"""
WRONG = ("[[year]]\nautumn = 3", OWN.replace("11-02", "11-99"), OWN.replace("11-02", "12-02"), "[")


def test_an_administrator_changes_the_dates_in_a_file_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "vakanties.toml").write_text(OWN)
    (tmp_path / "config.yaml").write_text("holidays: vakanties.toml\n")
    holidays = applying.holidays_of(loading.load(tmp_path / "config.yaml"))
    assert not holidays.is_school_day(date(2026, 11, 3), "midden")
    assert holidays.is_school_day(date(2026, 10, 20), "midden")


@pytest.mark.parametrize(
    "text",
    ["[[year]]\nautumn = 3", OWN.replace("2026-11-02", "2026-11-99"), OWN.replace("2026-11-02", "2026-12-02"), "["],
)
def test_a_file_that_is_no_list_of_holidays_is_refused_with_its_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "vakanties.toml"
    path.write_text(text)
    with pytest.raises(HolidaysUnreadable, match=r"vakanties\.toml"):
        read_holidays(path)
    (tmp_path / "config.yaml").write_text("holidays: vakanties.toml\n")
    with pytest.raises(ConfigError) as refused:
        applying.holidays_of(loading.load(tmp_path / "config.yaml"))
    assert "vakanties.toml" in str(refused.value)


def test_the_region_of_a_school_comes_from_the_configuration(tmp_path: Path, store: Store) -> None:
    (tmp_path / "config.yaml").write_text(
        "schools:\n  - name: De Horizon\n    identifications: [{brin: 99XX}]\n    region: zuid\n"
    )
    applying.apply(loading.load(tmp_path / "config.yaml"), store.engine)
    with store.engine.connect() as connection:
        assert connection.execute(schools_table.select()).one().region == "zuid"
