"""An address of each page, for tests that open all of them."""

from __future__ import annotations

import re

from dashboard.auth.sessions import DemoUser
from dashboard.pages.all_pages import PAGES
from dashboard.pages.page import Page

NO_TOKEN = "A" * 22
VARIABLES = {"pupil_id": "1", "connection": "1", "source": "1", "token": NO_TOKEN}
NOT_FOUND = "not_found_404"


def address(page: Page) -> str:
    """An address of a page in the known school; of what is known by a token, one that nobody got."""
    return re.sub(r"<(\w+)>", lambda match: VARIABLES[match[1]], page.path)


def first_viewer(page: Page, users: tuple[DemoUser, ...]) -> DemoUser:
    """The first of these users who may see a page."""
    return next(user for user in users if page.may_see(user.viewer))


# Pages that show something of the known school by their address alone.
OPEN_PAGES = [page for page in PAGES if "<token>" not in page.path and page.name != NOT_FOUND]
