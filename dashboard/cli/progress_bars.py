"""Progress bars for long work on the command line: on stderr, and only where that is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

Step = Callable[[str], None]
Read = Callable[[str, int], None]


@contextmanager
def steps(title: str, total: int) -> Iterator[Step]:
    """A bar of `total` steps; gives what to call after each step, with its name."""
    with _bar(MofNCompleteColumn()) as bar:
        if bar is None:
            yield lambda _name: None
            return
        task = bar.add_task(title, total=total)
        yield lambda name: bar.update(task, advance=1, description=f"{title} {name}")


@contextmanager
def by_bytes(title: str, total: int) -> Iterator[Read]:
    """A bar of `total` bytes; gives what to call with the name of a file and how many bytes of all are done.

    The bar never goes back: a second look at the same bytes is no new work.
    """
    with _bar(DownloadColumn(binary_units=True)) as bar:
        if bar is None:
            yield lambda _name, _done: None
            return
        task = bar.add_task(title, total=total)
        furthest = 0

        def read(name: str, done: int) -> None:
            nonlocal furthest
            furthest = max(furthest, done)
            bar.update(task, completed=furthest, description=f"{title} {name}")

        yield read


@contextmanager
def _bar(count: ProgressColumn) -> Iterator[Progress | None]:
    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(), count, TimeElapsedColumn())
    # What is printed meanwhile goes above the bar, but never away from the file or program that reads our output.
    with Progress(*columns, console=console, transient=True, redirect_stdout=sys.stdout.isatty()) as progress:
        yield progress
