"""Waiting for something to become true, never for a time to pass."""
import time


def until(what, seconds=60, pause=0.02):
    """Calls `what` until it answers something true, and answers that."""
    end = time.monotonic() + seconds
    while True:
        found = what()
        if found:
            return found
        assert time.monotonic() < end, f'still not true after {seconds} s: {found!r}'
        time.sleep(pause)
