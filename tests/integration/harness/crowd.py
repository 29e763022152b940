"""Many clients at once, each in a thread, with every exception brought home."""

import concurrent.futures

from .waiting import seconds


def together(work, arguments, threads=50, timeout=120):
    """Calls work(argument) for all arguments in parallel; returns the results in order, raises the first failure."""
    arguments = list(arguments)
    pool = concurrent.futures.ThreadPoolExecutor(min(threads, max(1, len(arguments))))
    try:
        return [done.result(seconds(timeout)) for done in [pool.submit(work, argument) for argument in arguments]]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def in_background(work, *arguments):
    """A future; the caller asks for its result()."""
    pool = concurrent.futures.ThreadPoolExecutor(1)
    future = pool.submit(work, *arguments)
    pool.shutdown(wait=False)
    return future
