"""Processes of the role `odds-service`."""
from .server import Server


class OddsService(Server):
    """It keeps nothing, and has no book."""
    says = 'front '

    def __init__(self, data, url, *options, **named):
        super().__init__(data, '--roles', 'odds-service', '--odds-store', url, *options, **named)
