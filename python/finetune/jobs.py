"""Makes runs, several at a time if asked."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context

Job = Callable[[], str]
"""Makes one run and describes it in a line. A `partial` of a module's function, since other processes get it by pickle."""


def make(jobs: list[Job], at_a_time: int, start: Callable[[], None] | None, after: Callable[[], object]) -> None:
    """Prints each line as its run ends and calls `after`. Several at a time run in processes of their own, which call `start` first."""
    if at_a_time == 1:
        for job in jobs:
            print(job(), flush=True)
            after()
        return
    with ProcessPoolExecutor(at_a_time, get_context("spawn"), start) as pool:
        try:
            for done in as_completed([pool.submit(job) for job in jobs]):
                print(done.result(), flush=True)
                after()
        finally:
            pool.shutdown(cancel_futures=True)  # otherwise a failure shows only after all other runs
