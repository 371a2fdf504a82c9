"""How long a drill lasts: DRILL_SECONDS, which `make drills` sets. Without it what CI has time for:
faults as short as they can be, and some of each kind. What a drill says of its figures goes into
the file DRILL_LOG as well."""
import os
import time

SECONDS = float(os.environ.get('DRILL_SECONDS') or 0)


def some(everything, few):
    return list(everything) if SECONDS else few


class Clock:
    """What has passed since it was made, in a sentence: a time to recover, never asserted."""

    def __init__(self):
        self.begun = time.monotonic()

    def __str__(self):
        return f'{time.monotonic() - self.begun:.1f} s'


def say(text):
    print(text)
    if path := os.environ.get('DRILL_LOG'):
        test = os.environ['PYTEST_CURRENT_TEST'].rpartition('/')[2].rpartition(' ')[0]
        with open(path, 'a', encoding='utf-8') as file:
            file.write(f'{test}: {text}\n')
