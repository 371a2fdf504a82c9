"""Fixtures: a server with a feed for a whole file of tests, or for one test alone."""
import itertools
import os
import sys
import tempfile

import pytest

sys.path.insert(0, os.path.dirname(__file__))
from lib import api  # noqa: E402
from lib.bettor import Bettor  # noqa: E402
from lib.consumer import SECRET, Consumer, Receiver  # noqa: E402
from lib.feed import Feed  # noqa: E402
from lib.postgres import Postgres  # noqa: E402
from lib.server import Server  # noqa: E402

MARKETS = itertools.count(1)
PRICES = {11: 2.0, 12: 3.5, 13: 4.2}


def pytest_configure(config):
    for mark in ('one_loop: compares numbers of streams, or a limit to the last one',
                 'resident: measures the memory of the server'):
        config.addinivalue_line('markers', mark)


class Book:
    """A running server with a feed."""

    def __init__(self, server):
        self.server, self.feed = server, Feed(server)

    def bettor(self, **named):
        return Bettor(self.server, **named)

    def market(self, prices=None, **definition):
        """A new open market; its id, once its prices can be read."""
        ident = f'1.{900000 + next(MARKETS)}'
        self.feed.market(ident, prices or PRICES, **definition)
        assert self.server.get(f'/v1/odds/{ident}').status == 200
        return ident

    def close(self):
        self.feed.close()
        self.server.kill()


def make(folder, options=(), **named):
    return Book(Server(folder, *options, **named).start())


@pytest.fixture(autouse=True)
def documented():
    """Fails with what is not in docs/api, also where a thread has seen it and went on."""
    yield
    api.check_all()


@pytest.fixture(scope='module')
def book(tmp_path_factory):
    """Shared by the tests of one file: they use users and markets of their own."""
    made = make(tmp_path_factory.mktemp('book') / 'data')
    yield made
    made.close()


@pytest.fixture
def own_book(request, tmp_path):
    """For tests that stop, kill or break the server; a parameter is its options."""
    made = make(tmp_path / 'data', getattr(request, 'param', ()))
    yield made
    made.close()


@pytest.fixture(scope='module')
def postgres():
    """A PostgreSQL for the tests of one file."""
    made = Postgres(tempfile.mkdtemp(prefix='overround-pg-', dir='/tmp')).start()
    yield made
    made.close()


@pytest.fixture
def database(postgres):
    """Empty."""
    postgres.psql('DROP SCHEMA public CASCADE; CREATE SCHEMA public')
    return postgres


@pytest.fixture
def receiver():
    """Takes notices."""
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def secret(tmp_path):
    path = tmp_path / 'secret'
    path.write_text(f'whsec_{SECRET}\n', encoding='ascii')
    path.chmod(0o600)
    return path


@pytest.fixture
def members(tmp_path):
    """Begins members of groups that follow a stream, and ends all of them."""
    begun = []

    def begin(role, source, group, *options):
        one = Consumer(tmp_path / f'{role}-{len(begun)}', role, source, group, *options)
        begun.append(one)
        return one.start()
    yield begin
    for one in begun:
        one.kill()
