"""The sheet of a screen as pandas data: a row a pupil and last the means, typed columns.

pandas is only imported inside these functions: whoever exports nothing does not load it.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from dashboard.export.sheets import Sheet
from dashboard.text.translate import _

if TYPE_CHECKING:
    import pandas as pd


class Kind(StrEnum):
    """What a column holds; what is missing is missing in each of them, and never 0."""

    TEXT = "text"
    NUMBER = "number"  # as Decimal, with the decimals that were sent
    DATE = "date"


PARTS = {
    "value": Kind.NUMBER,
    "maximum": Kind.NUMBER,
    "words": Kind.TEXT,
    "remarks": Kind.TEXT,
    "day": Kind.DATE,
    "test": Kind.TEXT,
    "others": Kind.NUMBER,
}


@dataclass(frozen=True, slots=True)
class Table:
    """A flat table: its heads, what each column holds, and the frame with a column for each, by place."""

    heads: tuple[str, ...]
    kinds: tuple[Kind, ...]
    frame: pd.DataFrame


def cells_of(sheet: Sheet) -> pd.DataFrame:
    """The cells of the pupils and, as last row, the means; the index is group, pupil and class.

    The columns are by place in the matrix and by part: `frame[place]` has the parts of one column.
    """
    import pandas as pd

    index = pd.MultiIndex.from_tuples(
        [*((row.group, row.name, row.class_name) for row in sheet.rows), (_("Mean"), None, None)],
        names=["group", "pupil", "class"],
    )
    rows = [*(row.cells for row in sheet.rows), sheet.feet]
    series = {
        (number, part): _series([getattr(row[number], part) for row in rows], kind)
        for number in range(len(sheet.columns))
        for part, kind in PARTS.items()
    }
    return pd.DataFrame(series).set_index(index) if series else pd.DataFrame(index=index)


def _series(values: list[Any], kind: Kind) -> pd.Series:
    import pandas as pd

    if kind is Kind.DATE:
        return pd.to_datetime(pd.Series(values, dtype="object"), format="%Y-%m-%d")
    if kind is Kind.NUMBER:
        return pd.Series([None if value is None else Decimal(value) for value in values], dtype="object")
    return pd.Series(values, dtype="string")


def flat_table(sheet: Sheet) -> Table:
    """The flat table of the files: group, pupil, class, counts by the norm, then six columns for each of the matrix."""
    import pandas as pd

    cells = cells_of(sheet)
    heads = [_("Group"), _("Pupil"), _("Class"), _("Scores below the norm"), _("Scores with a norm")]
    kinds = [Kind.TEXT, Kind.TEXT, Kind.TEXT, Kind.NUMBER, Kind.NUMBER]
    columns: list[pd.Series] = [series for _name, series in cells.index.to_frame(index=False).astype("string").items()]
    counts = [(row.below, row.with_norm) for row in sheet.rows]
    columns += [_series([*numbers, None], Kind.NUMBER) for numbers in zip(*counts, strict=True)] if counts else [
        _series([None], Kind.NUMBER)
    ] * 2  # fmt: skip
    parts = {
        "value": _("score"), "maximum": _("out of"), "words": _("level or reason"), "day": _("test date"),
        "test": _("test"), "others": _("other results"),
    }  # fmt: skip
    for index, name in enumerate(sheet.columns):
        column = cells[index].reset_index(drop=True)
        remarks = (" (" + column["remarks"] + ")").where(column["remarks"] != "", "")
        column = column.assign(words=column["words"] + remarks)
        for part, word in parts.items():
            heads.append(f"{name} · {word}")
            kinds.append(PARTS[part])
            columns.append(column[part])
    return Table(tuple(heads), tuple(kinds), pd.concat(columns, axis=1, ignore_index=True))
