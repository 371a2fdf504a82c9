"""P3: a slow or hostile client costs bounded memory and nobody else anything; it is conflated, told
what it was not sent, and closed by name when even that does not drain."""
import itertools
import json
import socket
import time

import pytest
from conftest import make
from lib.http import Closed, Http, dumps
from lib.price_watch import exact
from lib.until import until
from lib.ws import PING, PONG, TEXT, WebSocket
from lib.ws_wire import CONTINUATION, frame

RUNNERS = range(11, 91)  # a message of all of them is some 4 KiB
LAG_MS, PING_MS = 1500, 400
CROWD, BUFFER = 20, 200 << 10
PROBED, BURST = 320, 300  # changes: more than ws_probe_bytes; what the buffer takes besides
SENT = 600               # changes: far more than a socket and an outbox hold
RESIDENT_GROWTH_MAX = 24 << 20


@pytest.fixture(scope='module')
def book(tmp_path_factory):
    """A patient one: what is slow here is not closed for it."""
    made = make(tmp_path_factory.mktemp('book') / 'data',
                ('--ping-ms', '60000', '--lag-ms', '60000'))
    yield made
    made.close()


@pytest.fixture
def limited(tmp_path):
    """With the limit of operations, and no other rate limit."""
    made = make(tmp_path / 'data', ('--bets-per-minute', '0', '--address-requests', '0'),
                profile='demo')
    yield made
    made.close()


@pytest.fixture
def strict(request, tmp_path):
    """About one thing: a parameter."""
    made = make(tmp_path / 'data', request.param)
    yield made
    made.close()


def prices(step):
    return {r: round(2 + (r + step) % 49 / 50, 2) for r in RUNNERS}


def move(book, market, steps):
    for step in range(steps):
        book.feed.prices(market, prices(step))


def narrow(server):
    """A WebSocket that takes little before its reader must read."""
    return with_buffer(server, 4096)


def with_buffer(server, size):
    original = socket.create_connection

    def small(address, timeout=None):
        made = socket.socket()
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
        made.settimeout(timeout)
        made.connect(address)
        return made

    socket.create_connection = small
    try:
        return WebSocket(server.public, timeout=60)
    finally:
        socket.create_connection = original


def newest_of(book, market):
    return book.server.get(f'/v1/odds/{market}').json


def closed(server, reason):
    return server.metric('overround_connections_closed_total', reason=reason, listener='public')


def limit(server, name):
    return sum(v for k, v in server.metrics().items()
               if k.startswith('overround_limit_reached_total') and f'limit="{name}"' in k)


def read_all(sock, version):
    """Messages up to the one that brings this version."""
    told, known = [], 0
    while known < version:
        message = sock.receive(60)
        told.append(message)
        for market in (*message.get('markets', ()), message.get('market', message)):
            assert market.get('odds_version', known) >= known  # P1
            known = market.get('odds_version', known)
    return told


def test_who_stops_reading_is_conflated_and_the_others_hear_everything(book):
    market = book.market(prices(0))
    lazy = [narrow(book.server) for _ in range(5)]
    with book.server.websocket() as keen:
        for sock in (*lazy, keen):
            sock.subscribe(f'market:{market}')
        keen.wait_for(op='snapshot')
        before = book.server.resident_bytes()
        heard = 0
        for step in range(SENT):
            book.feed.prices(market, prices(step + 1))
            heard += len(read_all(keen, newest_of(book, market)['odds_version']))
        assert heard >= SENT, 'the neighbour was conflated too'
        assert book.server.metric('overround_push_lagging') == len(lazy)
        assert book.server.resident_bytes() - before < RESIDENT_GROWTH_MAX
        held = book.server.metric('overround_outbox_bytes', listener='public')
        assert 0 < held < len(lazy) * 256 * 1024
    shown = newest_of(book, market)
    for sock in lazy:
        told = read_all(sock, shown['odds_version'])
        ops = [m['op'] for m in told]
        assert ops[0] == 'snapshot' and len(told) < SENT / 2
        at = ops.index('skipped')
        assert told[at]['market_id'] == market and ops[at + 1] == 'image'
        # What was sent and what was skipped are all that there was.
        deltas, skipped = ops.count('delta'), sum(m.get('changes', 0) for m in told)
        assert deltas + skipped == SENT
        image = told[-1]['market'] if ops[-1] == 'image' else None
        if image:
            assert [exact(s) for s in image['selections']] == [
                exact(json.loads(json.dumps(s, default=float))) for s in shown['selections']]
        sock.http.close()
    until(lambda: book.server.metric('overround_push_lagging') == 0 and
          book.server.metric('overround_push_dirty_markets') == 0)


def test_a_crowd_that_reads_nothing_is_told_the_newest_though_its_buffers_would_take_more(book):
    """What lies in the buffers of the kernels grows old and cannot be taken back: by counting, a
    crowd that is found to be late gets a few newest states of hundreds of changes, and not them."""
    market, runner = book.market({11: 2.0}), 11
    late = 'overround_push_late'

    def moves(count):
        for _ in range(count):
            step = next(steps)
            book.feed.markets[market]['prices'][runner] = price = round(2 + step % 49 / 50, 2)
            yield {'mc': [{'id': market, 'rc': [{'id': runner, 'ltp': price,
                                                'atb': [[round(2 + (step - 1) % 49 / 50, 2), 0],
                                                        [price, 500.0]]}]}]}

    steps = itertools.count(1)
    crowd = [with_buffer(book.server, BUFFER) for _ in range(CROWD)]
    for sock in crowd:
        sock.subscribe(f'market:{market}')
        sock.wait_for(op='snapshot')
    sent, end = PROBED, time.monotonic() + 60
    book.feed.send(*moves(PROBED))
    while book.server.metric(late) < CROWD and time.monotonic() < end:
        book.feed.send(*moves(1))
        sent += 1
    assert book.server.metric(late) == CROWD
    assert book.server.metric('overround_outbox_bytes', listener='public') == 0, 'nothing waits'
    noticed = newest_of(book, market)['odds_version']
    book.feed.send(*moves(BURST))
    sent += BURST
    newest = newest_of(book, market)['odds_version']
    for sock in crowd:
        told = read_all(sock, newest)
        deltas = [m for m in told if m['op'] == 'delta']
        assert len(deltas) + sum(m.get('changes', 0) for m in told) == sent
        after = [m for m in told if m.get('market', m).get('odds_version', 0) > noticed]
        assert 1 <= len(after) < BURST / 10
        assert told[-1]['op'] == 'image'
        sock.http.close()
    until(lambda: book.server.metric(late) == 0)
    assert limit(book.server, 'ws_probe_ms_max') >= CROWD


def test_who_reads_a_byte_at_a_time_gets_whole_messages_and_the_newest(book):
    market = book.market(prices(0))
    with narrow(book.server) as slow:
        slow.subscribe(f'market:{market}')
        first = b''.join(slow.http.socket.recv(1) for _ in range(600))
        move(book, market, SENT)
        slow.http.buffer += first
        for _ in range(400):
            slow.http.buffer += slow.http.socket.recv(1)
        told = read_all(slow, newest_of(book, market)['odds_version'])
        assert any(m['op'] == 'skipped' for m in told)


@pytest.mark.parametrize('strict', [('--lag-ms', str(LAG_MS))], indirect=True)
def test_who_never_drains_is_closed_by_name(strict):
    server, market = strict.server, strict.market(prices(0))
    with narrow(server) as lazy, server.websocket() as keen:
        for sock in (lazy, keen):
            sock.subscribe(f'market:{market}')
        keen.wait_for(op='snapshot')
        steps = itertools.count(1)

        def is_closed():  # until then, and no longer: it has the time of a close frame to read on
            strict.feed.prices(market, prices(next(steps)))
            read_all(keen, newest_of(strict, market)['odds_version'])
            return server.metric('overround_push_lag_closed_total') == 1

        until(is_closed)
        assert limit(server, 'odds_lag_ms_max') == 1
        # It reads what was on its way, and why.
        assert lazy.close_code(30) == 1013
    with narrow(server) as dead:  # one that never reads at all is cut
        dead.subscribe(f'market:{market}')
        until(lambda: server.metric('overround_push_subscriptions') == 1)
        move(strict, market, SENT)
        until(lambda: server.metric('overround_push_lag_closed_total') == 2, 60)
        until(lambda: server.metric('overround_connections', listener='public') == 0, 60)
        assert closed(server, 'no_close_frame') + closed(server, 'outbox_full') >= 1


@pytest.mark.parametrize('strict', [('--ping-ms', str(PING_MS), '--pong-ms', str(PING_MS * 10))],
                         indirect=True)
def test_who_does_not_answer_pings_is_closed_by_name_and_who_does_stays(strict):
    server = strict.server
    with server.websocket() as mute, server.websocket() as polite:
        end, pings = time.monotonic() + 60, 0
        while closed(server, 'no_pong') == 0 and time.monotonic() < end:
            polite.http.socket.settimeout(0.05)
            try:
                _, opcode, payload = polite.receive_frame()
            except (socket.timeout, TimeoutError):
                continue
            assert opcode == PING
            polite.send_frame(PONG, payload)
            pings += 1
        assert pings >= 2 and limit(server, 'ws_ping_ms') > pings
        assert limit(server, 'ws_pong_ms_max') == 1
        polite.http.socket.settimeout(15)
        polite.send({'op': 'ping'})
        polite.wait_for(op='pong')
        with pytest.raises(Closed):
            while True:
                mute.receive_frame()


def test_huge_and_endless_messages_end_at_their_limit(book):
    received = book.server.metric('overround_receive_bytes', listener='public')
    for begin in (frame(TEXT, length=1 << 50), frame(TEXT, b'x' * 65536, fin=False) +
                  frame(CONTINUATION, b'y', fin=False)):
        with book.server.websocket() as huge:
            huge.http.send(begin)
            assert huge.close_code() == 1009
    assert limit(book.server, 'ws_message_bytes_max') >= 2
    # What is never finished is held, up to the limit, and no longer than its connection.
    with book.server.websocket() as endless:
        endless.http.send(frame(TEXT, b' ' * 60000, length=65536))
        until(lambda: book.server.metric('overround_receive_bytes', listener='public') >
              received + 50000)
        endless.http.close()
    until(lambda: book.server.metric('overround_receive_bytes', listener='public') <= received)


def test_asking_too_much_is_refused_by_name_and_the_socket_lives(limited):
    book, market = limited, limited.market()
    with book.server.websocket() as greedy:
        greedy.http.send(frame(TEXT, b'{"op":"ping"}') * 400)
        answers = [greedy.receive() for _ in range(400)]
        refused = [m for m in answers if m['op'] == 'error']
        assert {m['code'] for m in refused} == {'RATE_LIMITED'} and len(refused) >= 100
        assert limit(book.server, 'odds_ops_burst_max') >= len(refused)

        def follows():
            greedy.subscribe(f'market:{market}')
            return greedy.receive()['op'] == 'snapshot'

        until(follows)


def test_a_bet_too_many_is_refused_under_its_id_and_uses_up_no_key(limited):
    """So that whoever sends several at once knows which of them it was."""
    customer, market = limited.bettor(), limited.market()
    bet = customer.slip(market, 11)
    with limited.server.websocket(token=customer.token) as greedy:
        late = {'op': 'place_bet', 'id': 'late', 'idempotency_key': 'k', 'bet': bet}
        greedy.http.send(frame(TEXT, b'{"op":"ping"}') * 400 + frame(TEXT, dumps(late).encode()))
        refused = greedy.wait_for(op='bet')
        assert (refused['id'], refused['code']) == ('late', 429)
        assert refused['bet']['code'] == 'RATE_LIMITED' and refused['retry_after'] >= 1
    with limited.server.websocket(token=customer.token) as patient:
        assert patient.place('again', 'k', bet)['code'] == 201


def test_a_handshake_that_trickles_in_is_nobodys_burden(book):
    """Slow loris: it has its place and its 10 seconds (test_bad_http.py), others have theirs."""
    loris = [Http(book.server.public) for _ in range(50)]
    for sent in b'GET /v1/stream HTTP/1.1\r\n':
        for sock in loris:
            sock.send(bytes([sent]))
    begin = time.monotonic()
    with book.server.websocket() as other:
        other.subscribe(f'market:{book.market()}')
        other.wait_for(op='snapshot')
    assert time.monotonic() - begin < 10
    for sock in loris:
        sock.close()
