"""How long a drill lasts: DRILL_SECONDS, which `make drills` sets. Without it what CI has time for:
faults as short as they can be, and some of each kind."""
import os

SECONDS = float(os.environ.get('DRILL_SECONDS') or 0)


def some(everything, few):
    return list(everything) if SECONDS else few
