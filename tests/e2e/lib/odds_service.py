"""Processes of the role `odds-service`."""
from .server import Server


class OddsService(Server):
    """It keeps nothing, and has no book."""

    def __init__(self, data, url, *options, **named):
        super().__init__(data, '--roles', 'odds-service', '--odds-store', url, *options, **named)

    def start(self):
        self.spawn()
        self.public = self.wait_address('front ')
        self.admin = self.wait_address('admin ')
        return self

    def is_ready(self):
        return self.get('/readyz').status == 200
