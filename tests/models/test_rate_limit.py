"""Token buckets: how often something may happen for each key."""

from __future__ import annotations

import threading
import time

import pytest

from models.schema.rate_limit import PRUNE_ABOVE, Rate, RateLimiter


class Clock:
    """What `time.monotonic` says."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def monotonic(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock)
    return clock


def test_a_bucket_gives_its_tokens_at_once_and_refills_evenly(monotonic: Clock) -> None:
    limiter, rate = RateLimiter[str](), Rate(3, 60.0)
    assert [limiter.take("a", rate) for _ in range(4)] == [True, True, True, False]
    monotonic.now += 19.9
    assert not limiter.take("a", rate)
    monotonic.now += 0.2
    assert [limiter.take("a", rate), limiter.take("a", rate)] == [True, False]


def test_a_bucket_never_holds_more_than_its_rate(monotonic: Clock) -> None:
    limiter, rate = RateLimiter[str](), Rate(2, 60.0)
    assert limiter.take("a", rate)
    monotonic.now += 86_400.0
    assert [limiter.take("a", rate) for _ in range(3)] == [True, True, False]


def test_each_key_has_its_own_bucket(monotonic: Clock) -> None:
    limiter, rate = RateLimiter[int](), Rate(1, 60.0)
    assert [limiter.take(1, rate), limiter.take(1, rate), limiter.take(2, rate)] == [True, False, True]


def test_another_rate_counts_from_the_next_call(monotonic: Clock) -> None:
    limiter = RateLimiter[str]()
    assert limiter.take("a", Rate(10, 60.0))
    assert [limiter.take("a", Rate(1, 60.0)), limiter.take("a", Rate(1, 60.0))] == [True, False]
    monotonic.now += 6.0
    assert limiter.take("a", Rate(10, 60.0))


def test_a_token_that_is_given_back_can_be_taken_again(monotonic: Clock) -> None:
    limiter, rate = RateLimiter[str](), Rate(1, 60.0)
    assert limiter.take("a", rate)
    limiter.give_back("a")
    limiter.give_back("a")
    limiter.give_back("unknown")
    assert [limiter.take("a", rate), limiter.take("a", rate)] == [True, False]


def test_full_buckets_are_dropped_and_empty_ones_stay(monotonic: Clock) -> None:
    limiter, rate = RateLimiter[int](), Rate(1, 60.0)
    for key in range(PRUNE_ABOVE - 1):
        limiter.take(key, rate)
    monotonic.now += 60.0
    limiter.take(-1, rate)
    assert len(limiter) == PRUNE_ABOVE
    assert limiter.take(-2, rate)
    assert len(limiter) == 2
    assert not limiter.take(-1, rate)


def test_threads_together_take_no_more_than_the_bucket_holds() -> None:
    limiter, rate, taken = RateLimiter[str](), Rate(100, 1e9), []
    threads = [
        threading.Thread(target=lambda: taken.extend(limiter.take("a", rate) for _ in range(50))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(taken), sum(taken)) == (400, 100)
