"""Small writes that no request waits for: the database may be busy with a large message meanwhile."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

log = logging.getLogger("rondblik.web")


@dataclass(slots=True)
class Later:
    """Does one thing after the other in a thread beside the requests; what fails is logged by its kind alone."""

    _executor: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(max_workers=1, thread_name_prefix="later")
    )

    def do(self, work: Callable[[], None]) -> None:
        """Do this soon; the end of the program waits for it."""
        self._executor.submit(_logged, work)

    def wait(self) -> None:
        """Until all is done that was asked for before."""
        self._executor.submit(lambda: None).result()


def _logged(work: Callable[[], None]) -> None:
    try:
        work()
    except Exception as failed:  # noqa: BLE001 - nobody waits for it; its text may hold values
        log.error("%s in a write beside a request", type(failed).__name__)
