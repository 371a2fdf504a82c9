"""`serve --loops 3`: the network has loops of its own beside the book's, and nobody can tell: no
client sees at one loop an older price than another loop has shown (P1), one key is one bet wherever
it is sent (L3), own messages reach their user's sockets, and the end is as orderly as with one."""
import os
import subprocess
import threading
import time

import pytest
from conftest import make
from lib.http import Http
from lib.load import Load
from lib.server import Server, run
from lib.strace import Strace
from lib.until import until
from lib.ws import WebSocket
from test_handover import Traffic, Upgraded

LOOPS = 3
CONNECTIONS = 24  # so many that no loop goes without one: 1 in 16,000 runs would


@pytest.fixture(scope='module')
def book(tmp_path_factory):
    made = make(tmp_path_factory.mktemp('loops') / 'data', ('--loops', str(LOOPS)))
    yield made
    made.close()


@pytest.fixture
def own_book(tmp_path):
    made = make(tmp_path / 'data', ('--loops', str(LOOPS)))
    yield made
    made.close()


def stream_ids(address, market):
    """Each loop's odds service has a stream id of its own."""
    ids = set()
    for _ in range(CONNECTIONS):
        with WebSocket(address) as socket:
            socket.subscribe(f'market:{market}')
            ids.add(socket.wait_for(op='snapshot')['sid'])
    return ids


def threads_of(server):
    names = set()
    for task in os.listdir(f'/proc/{server.process.pid}/task'):
        with open(f'/proc/{server.process.pid}/task/{task}/comm', encoding='ascii') as file:
            names.add(file.read().strip())
    return names


def test_every_loop_has_customers_and_all_show_the_same_market(book):
    assert {f'network-{n}' for n in range(LOOPS)} <= threads_of(book.server)
    market = book.market()
    assert len(stream_ids(book.server.public, market)) == LOOPS
    shown = [book.server.get(f'/v1/odds/{market}').json for _ in range(CONNECTIONS)]
    assert shown.count(shown[0]) == len(shown)
    assert book.server.get('/readyz').status == 200
    until(lambda: book.server.metric('overround_loops_behind') == 0)


class Mover(threading.Thread):
    """Moves one market's prices without a pause."""

    def __init__(self, book, market):
        super().__init__(daemon=True)
        self.book, self.market, self.moves, self.ended = book, market, 0, threading.Event()
        self.start()

    def run(self):
        while not self.ended.is_set():
            self.moves += 1
            self.book.feed.price(self.market, 11, 2 + self.moves % 80 / 10)

    def end(self):
        self.ended.set()
        self.join()


def test_no_loop_shows_less_than_another_has_shown_before(book):
    market = book.market()
    mover = Mover(book, market)
    newest, reads, by_push = 0, 0, 0
    readers = [Http(book.server.public) for _ in range(CONNECTIONS)]
    with WebSocket(book.server.public) as socket:
        socket.subscribe(f'market:{market}')
        newest = socket.wait_for(op='snapshot')['markets'][0]['odds_version']
        end = time.monotonic() + 5
        while time.monotonic() < end or reads <= 200 or mover.moves <= 200:
            assert time.monotonic() < end + 60, (reads, mover.moves)
            reader = readers[reads % CONNECTIONS]
            reads += 1
            version = reader.request('GET', f'/v1/odds/{market}').json['odds_version']
            assert version >= newest, 'a loop has shown an older version'
            newest = version
            if reads % 8 == 0:  # what a push has told, every read knows
                pushed = socket.wait_for(op='delta')['odds_version']
                by_push += pushed > newest
                newest = max(newest, pushed)
    mover.end()
    for reader in readers:
        reader.close()


def sockets_of_two_loops(book, market):
    """Two sockets that follow the market, at different loops."""
    first = second = None
    while second is None:
        socket = WebSocket(book.server.public)
        socket.subscribe(f'market:{market}')
        socket.sid = socket.wait_for(op='snapshot')['sid']
        if first is None:
            first = socket
        elif socket.sid != first.sid:
            second = socket
    return first, second


LONG = 'delay_enter=600000000'  # ten minutes: until strace goes
NETWORK = [f'network-{n}' for n in range(LOOPS)]


def test_what_was_shown_while_a_loop_was_in_its_turn_it_knows_when_it_is_asked(book):
    """The question comes behind another one, for whose sake the turn has begun: it is read long
    after the loop has looked into its ring."""
    market = book.market()
    shower, asker = sockets_of_two_loops(book, market)
    asker.send({'op': 'unsubscribe', 'channels': [f'market:{market}']})
    asker.wait_for(op='unsubscribed')
    with Strace(book.server, 'recvfrom', LONG, threads=NETWORK) as strace:
        asker.send({'op': 'ping'})
        until(strace.holds_back)
        book.feed.price(market, 11, 3.0)
        shown = shower.wait_for(op='delta')['odds_version']
        asker.subscribe(f'market:{market}')
    assert asker.wait_for(op='snapshot')['markets'][0]['odds_version'] >= shown


def answers_of(sockets, count):
    """Those that have brought their bet's answer, once they are so many."""
    ready = [s for s in sockets if getattr(s, 'placed', False) or has_answer(s)]
    return ready if len(ready) >= count else None


def has_answer(socket):
    try:
        socket.placed = socket.wait_for(0.2, op='bet')['bet']['status'] == 'PLACED'
    except TimeoutError:
        return False
    return socket.placed


def test_a_loop_that_stands_still_is_no_matter_of_the_book_and_of_the_others(own_book):
    market, bettor = own_book.market(), own_book.bettor()
    sockets = {}
    while len(sockets) < LOOPS:
        socket = own_book.server.websocket(token=bettor.token)
        socket.subscribe(f'market:{market}')
        sockets.setdefault(socket.wait_for(op='snapshot')['sid'], socket)
    slip = bettor.slip(market, 11, '1.00')  # it reads the price, at any loop
    with Strace(own_book.server, 'epoll_pwait2', LONG, threads=NETWORK[:1]) as strace:
        own_book.feed.price(market, 12, 3.0)
        until(strace.holds_back)
        for socket in sockets.values():
            socket.send({'op': 'place_bet', 'id': '1', 'idempotency_key': bettor.key(),
                         'bet': slip})
        answered = until(lambda: answers_of(sockets.values(), LOOPS - 1))
    waiting = [s for s in sockets.values() if s not in answered]
    assert len(waiting) == 1 and waiting[0].wait_for(op='bet')['bet']['status'] == 'PLACED'
    assert own_book.server.terminate() == 0


def test_a_loop_that_cannot_go_on_ends_the_process_and_costs_no_bet(own_book):
    bettor = own_book.bettor()
    assert bettor.bet(own_book.market(), 11).status == 201
    subprocess.run(Strace(own_book.server, 'epoll_pwait2', 'error=EBADF', threads=NETWORK[:1]).argv,
                   timeout=60, check=False)
    assert own_book.server.process.wait(60) == 1
    assert 'a network loop ended' in own_book.server.log_text()
    assert 'all invariants hold' in own_book.server.verify()


def test_a_demo_has_no_loops(tmp_path):
    done = run('demo', '--data', str(tmp_path / 'data'), '--loops', '2', check=False)
    assert done.returncode == 2 and '--loops' in done.stderr


def ask_everywhere(book, bettor, slip, key):
    """The same request on many connections at once; the answers."""
    answers, barrier = [], threading.Barrier(CONNECTIONS)

    def ask():
        with Http(book.server.public) as http:
            http.request('GET', '/healthz')
            barrier.wait()
            answers.append(http.request('POST', '/v1/bets', slip, bettor.token,
                                        {'Idempotency-Key': key}))
    threads = [threading.Thread(target=ask) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_one_key_is_one_bet_at_whichever_loop_it_is_sent(book):
    market, bettor = book.market(), book.bettor()
    for number in range(5):
        slip = bettor.slip(market, 11, '10.00')
        answers = ask_everywhere(book, bettor, slip, f'one-{number}-{bettor.name}')
        assert {a.status for a in answers} <= {200, 201}
        assert len({a.json['bet_id'] for a in answers}) == 1
        assert [a.status for a in answers].count(201) == 1
    assert bettor.balance() == 950


def test_own_messages_reach_each_socket_of_their_user_and_no_other(book):
    market = book.market()
    bettors = [book.bettor() for _ in range(4)]
    sockets = {b.name: [WebSocket(book.server.public, b.token) for _ in range(6)]
               for b in bettors}
    for bettor in bettors:
        for socket in sockets[bettor.name]:
            socket.subscribe(f'market:{market}')
            socket.wait_for(op='snapshot')
    placed = {b.name: b.bet(market, 11).json['bet_id'] for b in bettors}
    for bettor in bettors:
        for socket in sockets[bettor.name]:
            update = socket.wait_for(op='bet_update')
            assert update['bet_id'] == placed[bettor.name]
            socket.http.close()


def test_bets_over_sockets_of_all_loops_are_answered(book):
    market = book.market()
    for _ in range(CONNECTIONS):
        bettor = book.bettor()
        with WebSocket(book.server.public, bettor.token) as socket:
            socket.send({'op': 'place_bet', 'id': 'b1', 'idempotency_key': bettor.key(),
                         'bet': bettor.slip(market, 11, '1.00')})
            assert socket.wait_for(op='bet')['bet']['status'] == 'PLACED'


def test_a_provider_that_falls_silent_is_stale_at_all_loops(tmp_path):
    book = make(tmp_path / 'data', ('--loops', '2', '--silence-ms', '300'))
    market = book.market()
    book.feed.close()
    for _ in range(8):
        until(lambda: book.server.get(f'/v1/odds/{market}').json.get('stale') is True)
    # Nobody keeps it under the tag of its version, which may be the same when it is not stale.
    stale = book.server.get(f'/v1/odds/{market}', headers={'If-None-Match': '*'})
    assert stale.status == 200 and 'etag' not in stale.headers
    assert stale.headers['cache-control'] == 'no-store'
    book.server.kill()


def test_an_address_in_use_is_refused_though_loops_share_theirs(book, tmp_path):
    other = Server(tmp_path / 'other', '--loops', '2', listen='%s:%d' % book.server.public)
    other.spawn()
    assert other.process.wait(60) == 1
    assert 'cannot listen at' in other.log_text()


def test_a_number_of_loops_that_cannot_be_is_refused(tmp_path):
    for number in ('-1', '33', 'many'):
        done = run('serve', '--data', str(tmp_path / 'data'), '--loops', number, check=False)
        assert done.returncode == 2 and '--loops' in done.stderr


def test_kills_under_load_lose_and_double_nothing(own_book):
    market = own_book.market()
    load = Load(own_book, market)
    for number in range(3):
        acknowledged = len(load.acknowledged)
        join = load.start(number)
        until(lambda a=acknowledged: len(load.acknowledged) > a + 50)
        own_book.server.kill()
        join()
        own_book.server.start()
        own_book.feed.again()
    until(lambda: own_book.bettor().bet(market, 11, '1').status == 201)
    load.retry_unanswered()
    load.check()
    own_book.server.kill()
    assert 'all invariants hold' in own_book.server.verify()


def test_upgrades_lose_no_version_no_bet_and_no_connection(tmp_path):
    upgraded = Upgraded(tmp_path / 'data', '--loops', str(LOOPS))
    try:
        traffic = Traffic(upgraded, 60)
        ids = {f.sid for f in traffic.everyone}
        for _ in range(2):
            traffic.upgrade()
        traffic.end()
        assert len(ids) == LOOPS
        assert {f.sid for f in traffic.everyone} <= ids  # each loop went on with its numbers
    finally:
        upgraded.server.kill()


def test_another_number_of_loops_cannot_take_over(own_book):
    newer = Server(own_book.server.data, '--take-over', 'yes', '--loops', str(LOOPS + 1))
    newer.spawn()
    assert newer.process.wait(60) == 2
    assert 'the running server has another --loops' in newer.log_text()
    assert own_book.server.get('/healthz').status == 200
