"""The threads that work on messages. One is replaced after much work, so that memory goes back to the system.

lxml keeps every name that a thread has ever read for as long as the thread lives: a sender of made-up names could fill
the memory. What was freed stays in the arena of its thread (glibc), and trees of lxml lie in cycles that Python looks
for seldom.
"""

from __future__ import annotations

import ctypes
import gc
import threading

from waitress.task import ThreadedTaskDispatcher

WORK_BYTES = 8 * 1024 * 1024  # of messages: a replacement takes 30 ms, work on these more than a second


class MessageThreads(ThreadedTaskDispatcher):  # type: ignore[misc]  # waitress has no types
    """A number of threads, one of them replaced after so many bytes of messages."""

    stop_count: int

    def __init__(self, count: int) -> None:
        super().__init__()
        self._count = count
        self._handled = 0
        self._ended = False

    def start(self) -> None:
        """Start the threads."""
        self.set_thread_count(self._count)

    def handler_thread(self, thread_no: int) -> None:
        """Work until it is enough; then let another thread take the place of this one."""
        super().handler_thread(thread_no)
        if not self._ended:
            threading.Thread(target=self._replace, args=(threading.current_thread(),), daemon=True).start()

    def handled(self, size: int) -> None:
        """A message of so many bytes was answered by the thread that calls this."""
        with self.lock:
            self._handled += size
            if self._handled >= WORK_BYTES:
                self._handled = 0
                self.stop_count += 1  # this thread is the next to look, or one that has just answered too

    def _replace(self, former: threading.Thread) -> None:
        former.join()
        if not self._ended:
            self.set_thread_count(self._count)
        give_back()

    def shutdown(self, cancel_pending: bool = True, timeout: float = 5) -> bool:
        """Stop them all."""
        self._ended = True
        return bool(super().shutdown(cancel_pending, timeout))


def give_back() -> None:
    """Find what is not used any more, and give free pages of all threads back; elsewhere than on glibc only the first.

    malloc_trim(3): all arenas since glibc 2.8.
    """
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
