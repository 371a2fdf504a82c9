"""Ports for who is started later, chosen as those of a cluster are."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', '..', '..', 'deploy', 'cluster'))
from local_ports import free_ports  # noqa: E402


def free_port(bus=False):
    """With `bus`: a cluster's node of Redis needs that port plus 10000 too."""
    return free_ports(1, bus)[0]
