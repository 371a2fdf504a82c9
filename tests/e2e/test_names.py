"""Whoever a process connects to may be named: the name is looked up each time, so a service that
moves to another machine is found there."""
import pytest
from conftest import make
from lib.dns import NameServer
from lib.fronts import Front
from lib.pki import Pki
from lib.redis import Redis
from lib.server import Server, run
from lib.until import until


@pytest.fixture
def names():
    made = NameServer()
    yield made
    made.close()


def looked_up(server, outcome):
    return server.metric('overround_name_lookups_total', outcome=outcome)


def is_written(book, redis, market):
    value = redis.value(f'odds:{market}')
    shown = book.server.get(f'/v1/odds/{market}').json
    return value and value['odds_version'] == shown['odds_version']


def test_a_redis_is_found_where_its_name_has_moved(names, tmp_path):
    old, new = Redis().start(), Redis(host='127.0.0.2')
    new.port = old.port
    book = make(tmp_path / 'data', ['--odds-store', f'redis://redis.test:{old.port}',
                                    '--name-servers', names.address])
    try:
        market = book.market()  # nobody knows the name yet, and the book sells
        assert book.bettor().bet(market, 11, '1').status == 201
        until(lambda: 'redis.test' in names.asked)
        names.names['redis.test'] = ['127.0.0.1']
        until(lambda: is_written(book, old, market))
        old.end()
        new.start()
        names.names['redis.test'] = ['127.0.0.2']
        book.feed.price(market, 11, 2.5)
        until(lambda: is_written(book, new, market))
        assert looked_up(book.server, 'found') and looked_up(book.server, 'unknown')
    finally:
        book.close()
        old.close()
        new.close()


def test_a_front_finds_its_book_by_a_name_which_its_certificate_has(names, tmp_path):
    pki = Pki(tmp_path / 'pki').issue('book', altnames='DNS:book.test')
    names.names.update({'book.test': ['127.0.0.1'], 'other.test': ['127.0.0.1']})
    options = '--book-ca', pki.cert('ca'), '--name-servers', names.address
    with Server(tmp_path / 'data', *pki.options('book', 'admin-')) as book:
        port = book.admin[1]
        with Front(str(tmp_path / 'good'), book, ('book.test', port), *options) as good, \
                Front(str(tmp_path / 'bad'), book, ('other.test', port), *options) as bad:
            until(good.is_ready)
            # It is there as well, but not whom that name says: each connection ends before the
            # next one is begun.
            until(lambda: looked_up(bad, 'found') >= 3)
            assert not bad.is_ready()


def test_names_that_cannot_be_meant(tmp_path):
    for options in (['--odds-store', 'redis://-a:1'], ['--odds-store', 'redis://1.2.3:1'],
                    ['--listen', 'book.test:0'], ['--name-servers', 'dns.test']):
        done = run('serve', '--data', str(tmp_path / 'data'), *options, check=False)
        assert done.returncode == 2 and options[0] in done.stderr, done.stderr
