"""A wire between a book and each of its engines that is cut, in one direction and in both: the
ledger's database away refuses bets, the others stop none; prices go on; and what comes back is as
if nothing had been (S1, L2)."""
import os
import ssl
import tempfile
import time

import pytest
from conftest import make
from lib import netns
from lib.drills import SECONDS, say, some
from lib.dynamodb import KEYS, DynamoDB, Wire
from lib.kafka import Kafka
from lib.load import Load
from lib.odds_service import OddsService
from lib.pki import Pki
from lib.postgres import Postgres
from lib.redis import Redis
from lib.server import run
from lib.until import until
from test_streams import expected, seen

CUTS = {'to the engine': {'to_client': 100}, 'to the book': {'to_server': 100},
        'both ways': {'to_server': 100, 'to_client': 100}}
ENGINE = netns.Link.client_address
STALL_MS = '3000'  # a busy machine stands still by itself, and that is no cut


@pytest.fixture(scope='module')
def wire():
    """Engines are at its client's end."""
    try:
        with netns.link() as made:
            yield made
    except netns.Unavailable as error:
        pytest.skip(f'no network namespaces can be made here: {error}')


@pytest.fixture
def cut(wire):
    """Cuts it in that way."""
    yield lambda how: wire.lose(**CUTS[how])
    wire.lose()


def folder_of(name):
    return tempfile.mkdtemp(prefix=f'overround-{name}-', dir='/tmp')


@pytest.fixture(scope='module')
def postgres_there(wire):
    folder = folder_of('pg')
    access = os.path.join(folder, 'access')
    with open(access, 'w', encoding='ascii') as file:
        file.write('local all all trust\nhost all all samenet trust\n')
    os.chmod(access, 0o644)
    with wire.client_side():
        made = Postgres(folder, f'listen_addresses={ENGINE}', f'hba_file={access}').start()
    yield made
    made.close()


@pytest.fixture
def in_postgres(wire, postgres_there, tmp_path):
    postgres_there.psql('DROP SCHEMA public CASCADE; CREATE SCHEMA public')
    with wire.server_side():
        made = make(tmp_path / 'data', ['--stall-ms', STALL_MS, '--ledger',
                                        f'postgresql://postgres@{ENGINE}/postgres'])
        made.table = postgres_there.url
        yield made
        made.close()


@pytest.fixture(scope='module')
def dynamodb_there(wire):
    pki = Pki(folder_of('pki')).issue('engine', altnames=f'IP:{ENGINE}')
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki.cert('engine'), pki.key('engine'))
    with wire.client_side():
        made = DynamoDB(folder_of('dynamodb')).start()
        made.wire = Wire(made.port, ENGINE, context)
    made.ca = pki.cert('ca')
    yield made
    made.wire.shutdown()
    made.close()


@pytest.fixture
def in_dynamodb(wire, dynamodb_there, tmp_path):
    url = f'{dynamodb_there.wire.url(dynamodb_there.table())}&ca={dynamodb_there.ca}'
    with wire.server_side():
        made = make(tmp_path / 'data', ['--stall-ms', STALL_MS, '--ledger', url],
                    environment=KEYS)
        yield made
        made.close()


def more(load, count=50):
    before = len(load.acknowledged)
    until(lambda: len(load.acknowledged) > before + count, 60)


def prices_go_on(book, market, price):
    with book.server.websocket() as socket:
        socket.subscribe(f'market:{market}')
        socket.wait_for(op='snapshot')
        book.feed.price(market, 11, price)
        socket.wait_for(op='delta')


def suspended(answer):
    return answer.status == 409 and answer.json['code'] == 'MARKET_SUSPENDED'


def ledger_is_cut_off(book, wire, cut, how):
    """Bets are refused meanwhile; one market is suspended meanwhile, and takes none behind it."""
    market, other = book.market(), book.market()
    probe = book.bettor(money='100.00')
    load = Load(book, market, customers=4)
    join = load.start(0)
    more(load)
    slip = probe.slip(other, 11, '1')
    cut(how)
    until(lambda: book.server.metric('overround_database_away') == 1)
    refused = probe.place(slip)
    assert refused.status == 503 and refused.json['code'] == 'LEDGER_STALLED', refused.body
    prices_go_on(book, market, 2.5)
    book.feed.define(other, status='SUSPENDED')
    time.sleep(SECONDS)
    assert max(wire.lost()) > 0
    wire.lose()
    begun = time.monotonic()
    answer = until(lambda: (a := probe.place(slip)).status != 503 and a, 60)
    assert suspended(answer), answer.body
    until(lambda: probe.bet(market, 12, '1').status == 201, 60)
    say(f'cut {how}: the book took bets again after {time.monotonic() - begun:.1f} s')
    book.feed.define(other, status='OPEN')
    book.feed.again()
    until(lambda: probe.bet(other, 11, '1').status == 201)
    more(load)
    join()
    load.retry_unanswered()
    load.check()
    until(lambda: book.server.metric('overround_database_away') == 0)
    assert book.server.terminate() == 0
    assert 'all invariants hold' in book.server.verify()


@pytest.mark.parametrize('how', CUTS)
def test_a_book_that_is_cut_off_from_postgres_refuses_and_goes_on(in_postgres, wire, cut, how):
    ledger_is_cut_off(in_postgres, wire, cut, how)
    assert 'all invariants hold' in run('ledger', 'verify', '--ledger', in_postgres.table).stdout


@pytest.mark.parametrize('how', some(CUTS, ['to the book']))
def test_a_book_that_is_cut_off_from_dynamodb_refuses_and_goes_on(in_dynamodb, wire, cut, how):
    ledger_is_cut_off(in_dynamodb, wire, cut, how)


@pytest.fixture(scope='module')
def redis_there(wire):
    with wire.client_side():
        made = Redis(host=ENGINE).start()
    yield made
    made.close()


@pytest.mark.parametrize('how', some(CUTS, ['both ways']))
def test_a_book_that_is_cut_off_from_redis_bets_on_and_brings_it_up(redis_there, wire, cut, how,
                                                                   tmp_path):
    """Whose followers must not offer what the book may have moved meanwhile."""
    with wire.client_side():
        follower = OddsService(tmp_path / 'odds', redis_there.url).start()
        until(follower.is_ready)
    with wire.server_side():
        book = make(tmp_path / 'data', ['--odds-store', redis_there.url])
    try:
        redis_is_cut_off(book, follower, wire, cut, how)
    finally:
        follower.kill()
        with wire.server_side():
            book.close()


def redis_is_cut_off(book, follower, wire, cut, how):
    def shown(market):
        with wire.client_side():
            return follower.get(f'/v1/odds/{market}').json

    with wire.server_side():
        market = book.market()
        load = Load(book, market, customers=2)
        until(lambda: shown(market).get('status') == 'active')
        join = load.start(0)
        more(load)
        cut(how)
        book.feed.price(market, 11, 2.5)
        more(load)
        until(lambda: shown(market)['status'] == 'suspended')  # P2: the book's lease has ended
        more(load)
        time.sleep(SECONDS)
        wire.lose()
        begun = time.monotonic()
        version = book.server.get(f'/v1/odds/{market}').json['odds_version']
        until(lambda: (s := shown(market))['odds_version'] >= version and
              s['status'] == 'active', 60)
        say(f'cut {how}: a follower showed the newest after {time.monotonic() - begun:.1f} s')
        join()
        load.check()
        assert book.server.terminate() == 0
        assert 'all invariants hold' in book.server.verify()


@pytest.fixture(scope='module')
def kafka_there(wire):
    with wire.client_side():
        made = Kafka(folder_of('kafka'), host=ENGINE).start()
    yield made
    made.close()


def test_a_book_that_is_cut_off_from_kafka_bets_on_and_tells_all(kafka_there, wire, cut, tmp_path):
    with wire.server_side():
        book = make(tmp_path / 'data', ['--streams', kafka_there.url, '--streams-create', '1'])
        try:
            until(lambda: book.server.metric('overround_stream_away') == 0, 60)
            with wire.client_side():
                tail = kafka_there.tail('bet-events')
            with tail:
                kafka_is_cut_off(book, tail, wire, cut)
        finally:
            book.close()


def kafka_is_cut_off(book, tail, wire, cut):
    load = Load(book, book.market(), customers=2)
    join = load.start(0)
    for how in some(CUTS, ['to the engine']):
        more(load)
        cut(how)
        until(lambda: book.server.metric('overround_stream_lag_events', topic='bet-events') > 100,
              60)
        more(load)
        time.sleep(SECONDS)
        wire.lose()
        begun, told = time.monotonic(), len(load.acknowledged)
        until(lambda told=told: len(tail.lines) >= told, 90)
        say(f'cut {how}: what waited was told after {time.monotonic() - begun:.1f} s')
    join()
    load.check()
    assert book.server.terminate() == 0
    wanted = expected(book.server)
    until(lambda: seen(list(tail.lines)) >= wanted, 60)
    assert seen(list(tail.lines)) == wanted
