"""Opens files in one headless LibreOffice, and says what every cell became; run by Debian's Python, which has `uno`.

Reads from stdin a list of [path, filter options or ""]. Writes to stdout for each its sheets of rows of cells: the type
(EMPTY, VALUE, DATE, TEXT, FORMULA) and the content; of a date the number of days.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from typing import Any

import uno  # type: ignore[import-not-found]

TYPES = {1: "VALUE", 2: "DATE", 4: "TEXT", 16: "FORMULA"}  # com.sun.star.sheet.CellFlags
SECONDS = 60


def connect(pipe: str) -> Any:
    """The desktop of the LibreOffice that listens on a pipe, once it does."""
    local = uno.getComponentContext()
    resolver = local.ServiceManager.createInstance("com.sun.star.bridge.UnoUrlResolver")
    for _ in range(10 * SECONDS):
        try:
            context = resolver.resolve(f"uno:pipe,name={pipe};urp;StarOffice.ComponentContext")
            return context.ServiceManager.createInstanceWithContext("com.sun.star.frame.Desktop", context)
        except uno.getClass("com.sun.star.connection.NoConnectException"):
            time.sleep(0.1)
    raise SystemExit("LibreOffice does not answer")


def sheets_of(desktop: Any, path: str, options: str) -> list[list[list[Any]]]:
    """The cells of a file; `options` are those of a CSV file."""
    filters = {"FilterName": "Text - txt - csv (StarCalc)", "FilterOptions": options} if options else {}
    properties = [
        uno.createUnoStruct("com.sun.star.beans.PropertyValue", Name=name, Value=value)
        for name, value in {"Hidden": True, **filters}.items()
    ]
    document = desktop.loadComponentFromURL(f"file://{path}", "_blank", 0, tuple(properties))
    try:
        return [rows_of(sheet) for sheet in document.Sheets]
    finally:
        document.close(True)


def rows_of(sheet: Any) -> list[list[Any]]:
    """The used rows of a sheet."""
    cursor = sheet.createCursor()
    cursor.gotoEndOfUsedArea(False)
    end = cursor.RangeAddress
    used = sheet.getCellRangeByPosition(0, 0, end.EndColumn, end.EndRow)
    rows = [[["EMPTY", content] for content in row] for row in used.DataArray]
    for flag, name in TYPES.items():
        for area in used.queryContentCells(flag).RangeAddresses:
            for row in rows[area.StartRow : area.EndRow + 1]:
                for cell in row[area.StartColumn : area.EndColumn + 1]:
                    cell[0] = name
    return rows


def main() -> None:
    """One start for all files."""
    with tempfile.TemporaryDirectory() as profile:
        pipe = f"rondblik-{profile.rpartition('/')[2]}"
        options = ("--headless", "--norestore", "--nologo", f"-env:UserInstallation=file://{profile}")
        office = subprocess.Popen(["soffice", *options, f"--accept=pipe,name={pipe};urp;"], stdout=sys.stderr)
        try:
            desktop = connect(pipe)
            json.dump([sheets_of(desktop, path, options) for path, options in json.load(sys.stdin)], sys.stdout)
            desktop.terminate()
            office.wait(SECONDS)
        finally:
            office.kill()
            office.wait()


main()
