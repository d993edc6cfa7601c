"""The threads that work on messages. One is replaced when memory has grown, so that it goes back to the system.

lxml keeps every name that a thread has ever read for as long as the thread lives: a sender of made-up names could fill
the memory. What was freed stays in the arena of its thread (glibc), and trees of lxml lie in cycles that Python looks
for seldom.
"""

from __future__ import annotations

import ctypes
import gc
import resource
import threading
from pathlib import Path

from waitress.task import ThreadedTaskDispatcher

GROWN_BYTES = 16 * 1024 * 1024  # of the whole program: a replacement takes 30 ms
_SIZES = Path("/proc/self/statm")  # in pages; the second is what is in memory


class MessageThreads(ThreadedTaskDispatcher):  # type: ignore[misc]  # waitress has no types
    """A number of threads, one of them replaced whenever the program has grown."""

    stop_count: int

    def __init__(self, count: int) -> None:
        super().__init__()
        self._count = count
        self._size = resident_bytes()
        self._ended = False

    def start(self) -> None:
        """Start the threads."""
        self.set_thread_count(self._count)

    def handler_thread(self, thread_no: int) -> None:
        """Work until it is enough; then let another thread take the place of this one."""
        super().handler_thread(thread_no)
        if not self._ended:
            threading.Thread(target=self._replace, args=(threading.current_thread(),), daemon=True).start()

    def handled(self) -> None:
        """A message was answered by the thread that calls this."""
        size = resident_bytes()
        with self.lock:
            if size >= self._size + GROWN_BYTES:
                self._size = size
                self.stop_count += 1  # this thread is the next to look, or one that has just answered too
            self._size = min(self._size, size)

    def _replace(self, former: threading.Thread) -> None:
        former.join()
        if not self._ended:
            self.set_thread_count(self._count)
        give_back()
        with self.lock:
            self._size = resident_bytes()

    def shutdown(self, cancel_pending: bool = True, timeout: float = 5) -> bool:
        """Stop them all."""
        self._ended = True
        return bool(super().shutdown(cancel_pending, timeout))


def resident_bytes() -> int:
    """How much memory the program has now; 0 where the system does not say."""
    try:
        return int(_SIZES.read_text("ascii").split()[1]) * resource.getpagesize()
    except OSError:  # another system, or no descriptor
        return 0


def give_back() -> None:
    """Find what is not used any more, and give free pages of all threads back; elsewhere than on glibc only the first.

    malloc_trim(3): all arenas since glibc 2.8.
    """
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
