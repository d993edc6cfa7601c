"""What a page is: one entry with its address, title, layout, place in the menu and who may see it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import dash

from models.access.viewer import Viewer

Predicate = Callable[[Viewer], bool]


@dataclass(frozen=True, slots=True)
class Body:
    """What a page shows: the content, and the filter bar above it, if any."""

    children: list[Any]
    bar: Any = None


def everybody(_viewer: Viewer) -> bool:
    """For everybody who is signed in."""
    return True


def works_here(viewer: Viewer) -> bool:
    """For everybody but pupils and parents: what a page does not say otherwise."""
    return not viewer.sees_one_pupil


def sees_one_pupil(viewer: Viewer) -> bool:
    """For a pupil, and for a parent of one."""
    return viewer.sees_one_pupil


def reads_results(viewer: Viewer) -> bool:
    """For who reads results of pupils: who works with them, and school leaders where the school lets them."""
    return viewer.reads_results


def administers(viewer: Viewer) -> bool:
    """For administrators of the school."""
    return viewer.may_administer


def tests_connections(viewer: Viewer) -> bool:
    """For who may test a source connection: administrators and vendors."""
    return viewer.may_test


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the dashboard. `dashboard/pages/all_pages.py` lists them, in the order of the menu.

    `layout` gets the viewer, then the variables of the path and the parameters of the query as keyword arguments.
    `frame` is the page without data: Dash reads the ids of all components from it, before anybody is signed in.
    """

    name: str
    path: str  # may have variables, as in /leerling/<pupil_id>
    title: Callable[..., str]  # gets the variables of the path; also the words of the menu entry
    layout: Callable[..., Body]
    frame: Callable[[], Body]
    may_see: Predicate = works_here
    refusal: Callable[[], Body] | None = None  # what everybody else gets; None: what their role is for
    in_menu_of: Predicate | None = None  # None: in nobody's menu
    section: str = ""  # the page whose menu entry is marked as current, where that is another page
    has_header: bool = True  # False: neither header and menu nor footer
    register: Callable[[dash.Dash], None] | None = None  # adds the callbacks

    @property
    def menu_name(self) -> str:
        """The name of the page whose menu entry is current on this page."""
        return self.section or self.name
