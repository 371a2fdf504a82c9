"""A newer process takes over from the one that runs: nobody is refused, nobody misses a version, no
bet is lost or there twice; and one that fails to leaves the old one serving."""
import array
import os
import socket
import struct
import threading
import time
from decimal import Decimal

import pytest
from lib import odds_log
from lib.bettor import Bettor
from lib.feed import Feed
from lib.followers import Events, Follower, Followers
from lib.http import Closed, Http
from lib.server import Server, run
from lib.until import until

UPGRADES = 3
MARKETS = 12
FOLLOWERS = 200
HEAD = struct.Struct('<4sBBHI')


class Upgraded:
    """Servers one after the other on the same data; `server` is the one that serves now."""

    def __init__(self, folder, *options, server=None):
        self.folder, self.options = folder, options
        self.server = server or Server(folder, *options).start()

    def newer(self, *more):
        return Server(self.folder, *self.options, '--take-over', 'yes', *more)

    def upgrade(self):
        old, new = self.server, self.newer()
        new.tokens = old.tokens
        new.start()
        assert (new.public, new.admin) == (old.public, old.admin)
        assert old.process.wait(60) == 0, old.log_text()
        self.server = new
        return new


@pytest.fixture
def upgraded(tmp_path):
    made = Upgraded(tmp_path / 'data')
    yield made
    made.server.kill()


class Mover:
    """Moves prices until it is told to end, and sends everything again to another process: the
    answer's `session` says that it is one."""

    def __init__(self, server):
        self.feed, self.session, self.moves = Feed(server), None, 0
        self.feed.post = self.post
        self.refused, self.stop = [], threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def post(self, text):
        with Http(self.feed.server.admin) as http:
            answer = http.request('POST', self.feed.path, text,
                                  self.feed.server.token('feed-1', 'feed'))
        if answer.status != 200:
            assert (answer.status, answer.code) == (503, 'RESTARTING'), answer.body
            raise Closed
        known, self.session = self.session, answer.json['session']
        if known not in (None, self.session):
            self.feed.again()
        return answer

    def run(self):
        idents = list(self.feed.markets)
        while not self.stop.is_set():
            ident = idents[self.moves % len(idents)]
            self.moves += 1
            try:
                self.feed.price(ident, 11 + self.moves % 3, 2 + self.moves % 97 / 10)
            except ConnectionRefusedError as error:
                self.refused.append(error)
            except (OSError, Closed):
                pass  # that one was cut off: the next one brings the price with it
            time.sleep(0.02)

    def end(self):
        self.stop.set()
        self.thread.join()


class Customer:
    """Bets one after the other on new connections; without an answer it asks again, same key."""

    def __init__(self, upgraded, number, market, tls=None):
        self.bettor, self.market = Bettor(upgraded.server, f'up-{number}', '100000.00'), market
        self.address, self.tls = upgraded.server.public, tls
        if tls:
            self.address = upgraded.server.tls
        self.answers, self.refused, self.cut = {}, [], 0
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def ask(self, key, slip):
        try:
            with Http(self.address, timeout=60, tls=self.tls) as http:
                return http.request('POST', '/v1/bets', slip, self.bettor.token,
                                    {'Idempotency-Key': key})
        except ConnectionRefusedError as error:
            self.refused.append(error)
        except (OSError, Closed):
            self.cut += 1
        return None

    def run(self):
        number = 0
        while not self.stop.is_set():
            key, number = f'{self.bettor.name}-{number}', number + 1
            slip = {'market_id': self.market, 'selection_id': '11', 'odds': Decimal('1.01'),
                    'stake': Decimal('0.10'), 'currency': 'GBP'}
            answer = None
            while answer is None or answer.status == 503:
                answer = self.ask(key, slip)
            self.answers[key] = answer
            time.sleep(0.01)

    def placed(self):
        return {k: a.json['bet_id'] for k, a in self.answers.items() if a.status in (200, 201)}


def make_followers(address, markets, count=FOLLOWERS, tls=None):
    """On markets, an event and the sport, in all forms."""
    def channels(number):
        return [[f'market:{markets[number % MARKETS]}', f'market:{markets[number * 7 % MARKETS]}'],
                ['event:9000'], ['sport:football', f'market:{markets[number % MARKETS]}']][
                    number % 3]
    kinds = [lambda c: Follower(address, c, tls=tls),
             lambda c: Follower(address, c, binary=True, tls=tls),
             lambda c: Events(address, c, tls=tls)]
    return [kinds[n // 3 % 3](list(dict.fromkeys(channels(n)))) for n in range(count)]


def check_versions(follower, logged):
    """Each version of the odds log, from the first that it saw, was seen, or stands before one that
    came as a whole (a snapshot, or an image behind `skipped`)."""
    accounted = 0
    for (channel, market), rows in follower.seen.items():
        seen = {version for version, _ in rows}
        wholes = sorted(version for version, kind in rows if kind == 'whole')
        missed = [v for v in logged[market] if v > rows[0][0] and v not in seen]
        for version in missed:
            assert any(whole > version for whole in wholes), \
                f'{channel} {market}: {version} was never seen, nothing stands for it'
        accounted += len(missed)
        assert rows[-1][0] == logged[market][-1], f'{channel} {market}: not the newest at the end'
        assert seen <= set(logged[market]), f'{channel} {market}: a version that nobody offered'
    return accounted


class Traffic:
    """A book in full use: prices that move, followers in all forms, customers."""

    def __init__(self, upgraded, followers=FOLLOWERS, tls=None):
        self.upgraded, server = upgraded, upgraded.server
        self.mover = Mover(server)
        self.markets = [f'1.{700 + n}' for n in range(MARKETS)]
        for ident in self.markets:
            self.mover.feed.market(ident, {11: 2.0, 12: 3.5, 13: 4.2})
        self.everyone = make_followers(server.tls if tls else server.public, self.markets,
                                       followers, tls)
        self.followers = Followers(self.everyone)
        until(lambda: all(set(f.seq) == set(f.channels) for f in self.everyone), 60)
        self.customers = [Customer(upgraded, n, self.markets[n], tls) for n in range(4)]
        for running in [self.mover, *self.customers]:
            running.thread.start()

    def upgrade(self):
        """Until everybody is back, and prices have moved again."""
        before = [f.connections for f in self.everyone]
        self.upgraded.upgrade()
        until(lambda: all(f.connections > n for f, n in zip(self.everyone, before)), 120)
        moves = self.mover.moves
        until(lambda: self.mover.moves > moves + 30, 60)

    def end(self):
        """Everybody ends once they have the newest prices; their bets and versions are right."""
        upgraded = self.upgraded
        for customer in self.customers:
            customer.stop.set()
            customer.thread.join()
        self.mover.end()
        self.mover.feed.again()
        # Its heart beats on: a provider that is silent for long has its markets suspended, anew.
        newest = {m: upgraded.server.get(f'/v1/odds/{m}').json['odds_version']
                  for m in self.markets}
        until(lambda: all(rows[-1][0] == newest[m] for f in self.everyone
                          for (_, m), rows in f.seen.items()), 60)
        self.followers.end()
        check_bets(upgraded, self.customers)
        assert upgraded.server.terminate() == 0
        self.mover.feed.close()
        assert 'all invariants hold' in upgraded.server.verify()
        return self.check()

    def check(self):
        """Against the odds log; versions that others stood for."""
        logged = {market: [] for market in self.markets}
        for market, _, version in odds_log.changes(self.upgraded.server.data):
            assert not logged[market] or version > logged[market][-1]  # P1
            logged[market].append(version)
        assert not [p for f in self.everyone for p in f.problems][:3]
        everybody = [*self.everyone, *self.customers, self.mover]
        assert not [r for who in everybody for r in who.refused]
        accounted = sum(check_versions(f, logged) for f in self.everyone)
        print(f'{sum(map(len, logged.values()))} versions, {accounted} stood for; '
              f'{sum(f.resumed for f in self.everyone)} resumed, '
              f'{sum(c.cut for c in self.customers)} requests cut')
        return accounted


@pytest.mark.one_loop
def test_three_upgrades_in_a_row_lose_no_version_no_bet_and_no_connection(upgraded):
    traffic = Traffic(upgraded)
    everyone = traffic.everyone
    sid = everyone[0].sid
    for _ in range(UPGRADES):
        traffic.upgrade()
    traffic.end()
    assert {f.sid for f in everyone} == {sid}
    # Of three times as many: the others were slow to come.
    assert sum(f.resumed for f in everyone) >= FOLLOWERS
    websocket_closes = [c for f in everyone for c in f.closes if c != 'end']
    assert websocket_closes.count(1012) > len(websocket_closes) / 2


def check_bets(upgraded, customers):
    for customer in customers:
        placed = customer.placed()
        assert len(set(placed.values())) == len(placed) > 0
        customer.bettor.server = upgraded.server
        customer.bettor.reconnect()
        there = [b['bet_id'] for b in customer.bettor.bets()
                 if b.get('status') not in ('NOT_ACCEPTED', None)]
        assert sorted(there) == sorted(placed.values()), 'a bet is lost, or there twice'


# ---- those that fail ----

def place(upgraded):
    """A connection to its handover.sock."""
    asked = socket.socket(socket.AF_UNIX)
    asked.settimeout(30)
    folder = os.open(upgraded.server.data, os.O_PATH)
    asked.connect(f'/proc/self/fd/{folder}/handover.sock')
    os.close(folder)
    return asked


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def message(kind, body=b''):
    head = HEAD.pack(b'OVRH', 1, kind, 0, len(body))
    return head + struct.pack('<I', crc32c(head + body)) + body


def take_kind(asked):
    """The kind of the next message, which is read to its end."""
    head = asked.recv(16, socket.MSG_WAITALL)
    _, _, kind, _, size = HEAD.unpack_from(head)
    if size:
        asked.recv(size, socket.MSG_WAITALL)
    return kind


def take_sockets(asked):
    got, ancillary, *_ = asked.recvmsg(4096, socket.CMSG_SPACE(64))
    fds = array.array('i')
    for _, _, content in ancillary:
        fds.frombytes(content[:len(content) - len(content) % fds.itemsize])
    return got, list(fds)


def still_serves(upgraded, follower):
    upgraded.feed.price(upgraded.market, 11, 2.0 + next(upgraded.prices) / 10)
    assert follower.wait_for(op='delta')['status'] == 'active'
    assert upgraded.server.get('/healthz').status == 200
    assert upgraded.server.process.poll() is None


@pytest.fixture
def served(upgraded):
    upgraded.feed, upgraded.market = Feed(upgraded.server), '1.77'
    upgraded.prices = iter(range(1, 99))
    upgraded.feed.market(upgraded.market, {11: 2.0, 12: 3.5})
    with upgraded.server.websocket() as follower:
        follower.subscribe('market:1.77')
        follower.wait_for(op='snapshot')
        yield upgraded, follower
    upgraded.feed.close()


@pytest.mark.one_loop
def test_a_newer_process_that_ends_before_its_go_changes_nothing(served):
    upgraded, follower = served
    for _ in range(2):
        with place(upgraded) as asked:
            asked.sendall(message(1, b'99.0'))
            got, fds = take_sockets(asked)
            assert got[5] == 2 and len(fds) == got[8] == 2
            with socket.socket(fileno=fds[0]) as first, socket.socket(fileno=fds[1]) as second:
                assert first.getsockname() == upgraded.server.public
                assert second.getsockname() == upgraded.server.admin
        still_serves(upgraded, follower)
    until(lambda: upgraded.server.metric('overround_handovers_total', outcome='refused') == 2)
    assert upgraded.upgrade()


NONSENSE = {'http': b'GET / HTTP/1.1\r\n\r\n', 'go': message(3), 'twice': message(1) + message(1),
            'state': message(4, b'x' * 1000), 'damaged': message(1)[:-1] + b'\xff',
            'zeros': b'\0' * 5000}


@pytest.mark.parametrize('kind', NONSENSE)
def test_nonsense_at_the_socket_is_hung_up_on(served, kind):
    upgraded, follower = served
    with place(upgraded) as asked:
        try:
            asked.sendall(NONSENSE[kind])
            while asked.recv(4096):
                pass
        except (BrokenPipeError, ConnectionResetError):
            pass
    still_serves(upgraded, follower)


def test_only_one_at_a_time_is_offered_the_sockets(served):
    upgraded, follower = served
    with place(upgraded) as first:
        first.sendall(message(1))
        take_sockets(first)
        new = upgraded.newer()
        new.spawn()
        assert new.process.wait(60) == 1
        assert 'another process is taking over' in new.log_text()
    still_serves(upgraded, follower)


def test_another_address_or_a_bad_certificate_ends_the_newer_process_alone(served, tmp_path):
    upgraded, follower = served
    new = upgraded.newer('--tls-listen', '127.0.0.1:0', '--tls-cert', str(tmp_path / 'none.pem'),
                         '--tls-key', str(tmp_path / 'none.pem'))
    new.spawn()
    assert new.process.wait(60) != 0
    still_serves(upgraded, follower)
    new = upgraded.newer()
    new.listen = '127.0.0.2:0'
    new.spawn()
    assert new.process.wait(60) == 2
    assert 'the running server has another --listen' in new.log_text()
    still_serves(upgraded, follower)


def test_without_a_running_server_it_starts_as_usual(upgraded):
    assert upgraded.server.terminate() == 0
    assert not os.path.exists(os.path.join(upgraded.server.data, 'handover.sock'))
    with upgraded.newer() as again:
        assert again.get('/healthz').status == 200
        again.kill()  # its socket stays there, and nobody listens
        with upgraded.newer() as after:
            assert after.get('/healthz').status == 200
            assert os.stat(os.path.join(after.data, 'handover.sock')).st_mode & 0o777 == 0o600


@pytest.mark.one_loop
@pytest.mark.parametrize('state', ['absent', 'malformed', 'damaged'])
def test_an_old_process_without_a_sound_state_costs_snapshots_and_nothing_else(tmp_path, state):
    """The old process is played here: it listens, gives the sockets, and ends badly."""
    data = tmp_path / 'data'
    data.mkdir(mode=0o700)
    run('token', '--user', 'x', '--role', 'bettor', '--data', str(data))
    listeners = [socket.create_server(('127.0.0.1', 0)) for _ in range(2)]
    with socket.socket(socket.AF_UNIX) as old:
        old.bind(f'/proc/self/fd/{os.open(data, os.O_PATH)}/handover.sock')
        old.listen(1)
        old.settimeout(60)
        new = Server(data, '--take-over', 'yes')
        new.spawn()
        asked, _ = old.accept()
        assert take_kind(asked) == 1
        fds = array.array('i', [s.fileno() for s in listeners])
        asked.sendmsg([message(2, b'\0\2')], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
        assert take_kind(asked) == 3
    if state == 'damaged':
        asked.sendall(message(4, b'body')[:-1] + b'?')
    elif state == 'malformed':
        asked.sendall(message(4, b'\1 no state'))
    asked.close()
    waiting = socket.create_connection(listeners[0].getsockname())  # in the backlog meanwhile
    for listener in listeners:
        listener.close()
    new.public, new.admin = new.wait_address('ready '), new.wait_address('admin ')
    assert 'clients begin with snapshots' in new.log_text()
    waiting.sendall(b'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n')
    assert b' 200 ' in waiting.recv(4096)
    waiting.close()
    assert new.terminate() == 0
