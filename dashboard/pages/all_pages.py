"""The pages of the dashboard. A new page needs an entry here; the menu shows its entries in this order."""

from __future__ import annotations

from dashboard.pages import (
    access_log,
    accessibility,
    board,
    not_found,
    own_page,
    retention,
    school_overview,
    schools_overview,
)
from dashboard.pages.accounts import page as accounts
from dashboard.pages.class_page import page as class_page
from dashboard.pages.connections import agreement, new_connection, own_connection, refused_message
from dashboard.pages.connections import page as connections
from dashboard.pages.materials import page as materials
from dashboard.pages.my_pupils import handover
from dashboard.pages.my_pupils import page as my_pupils
from dashboard.pages.page import Page, everybody
from dashboard.pages.pupil import page as pupil
from dashboard.pages.pupil import talk_sheet
from dashboard.pages.pupil_data import erasure
from dashboard.pages.pupil_data import page as pupil_data
from dashboard.pages.signals import page as signals
from dashboard.pages.vendor import page as vendor
from dashboard.pages.vendor import requirements, result, sandbox
from dashboard.ui import addresses

# What this address shows is the first page in the menu of who looks; its frame is that of a page with data of pupils.
HOME = Page("home", addresses.HOME, class_page.title, class_page.layout, class_page.frame, everybody)

PAGES: tuple[Page, ...] = (
    HOME,
    class_page.PAGE,
    my_pupils.PAGE,
    signals.PAGE,
    materials.PAGE,
    school_overview.PAGE,
    schools_overview.PAGE,
    own_page.PAGE,
    connections.PAGE,
    accounts.PAGE,
    access_log.PAGE,
    retention.PAGE,
    pupil_data.PAGE,
    erasure.PAGE,
    vendor.PAGE,
    pupil.PAGE,
    talk_sheet.PAGE,
    handover.PAGE,
    board.PAGE,
    refused_message.PAGE,
    new_connection.PAGE,
    own_connection.PAGE,
    agreement.PAGE,
    sandbox.PAGE,
    result.PAGE,
    requirements.PAGE,
    accessibility.PAGE,
    not_found.PAGE,
)
