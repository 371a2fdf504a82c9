"""`serve --roles back-office`: people work in processes of their own, and nobody can tell, but that
who floods, fails or falls there takes nothing with it (DO-42)."""
import json
import os
import signal
import ssl
import threading
from contextlib import ExitStack

import pytest
from lib.browser import Browser
from lib.desk import results
from lib.desk_apart import DeskApart
from lib.http import Closed, Http
from lib.load import Load
from lib.offices import Office, Offices
from lib.pki import Pki
from lib.redis import Redis
from lib.server import Server, run
from lib.until import until
from lib.ws import BINARY, WebSocket

SHARDS = 2
APPROVAL = ['--results-approval', 'second-person']
PROTOCOL = 'overround-office.1'
PROPOSALS = 'results/proposals'
WON = {'s11': 'WON', 's12': 'LOST', 's13': 'LOST'}


class Apart:
    """A desk without users, two shards, and two back-offices before it."""

    def __init__(self, folder):
        self.apart = DeskApart(Redis().start(), folder, desk=APPROVAL)
        self.desk = self.apart.desk.server
        self.offices = Offices(self.desk, folder)
        self.one, self.other = self.offices.all

    def placed(self, market):
        """A bet of each customer, who tries again where a busy machine has prices that are too
        old, or a grant that is."""
        def one(customer):
            answer = customer.bet(market, 11, '1.00', odds=2.0, price_policy='any')
            return answer.json if answer.status == 201 else None
        return [until(lambda c=customer: one(c), 60) for customer in self.apart.customers]

    def enter(self, office, market, who='tom', version=1):
        event = self.apart.shown(market)['event_id']
        return office.say(f'events/{event}/results',
                          {**results(market, version, **WON), 'reason': 'seen'}, who)

    def again(self):
        self.apart.again()
        self.offices.moved()
        until(self.apart.granted)
        self.offices.until_ready()

    def words(self, market, kind):
        """How often the desk's log has such a record of the market."""
        rows = [json.loads(line) for line in self.apart.dump(self.desk).splitlines()]
        return sum(row['type'] == kind and market in json.dumps(row) for row in rows)

    def close(self):
        self.offices.close()
        self.apart.close()


@pytest.fixture(name='apart')
def made_apart(tmp_path):
    made = Apart(tmp_path)
    yield made
    made.close()


@pytest.fixture(name='plain')
def made_plain(own_book, tmp_path):
    """Two back-offices before a plain book."""
    made = Offices(own_book.server, tmp_path)
    made.book = own_book
    yield made
    made.close()


# ---- what it is for ----

def test_one_enters_a_result_and_another_approves_it_at_the_other_office(apart):
    market = apart.apart.market()
    bets = apart.placed(market)
    apart.one.tell(f'markets/{market}/suspend', SHARDS)
    apart.apart.all_bet(market, 'MARKET_SUSPENDED')
    apart.other.tell(f'markets/{market}/resume', SHARDS)
    apart.apart.level(market)
    apart.apart.all_bet(market)
    proposed = apart.enter(apart.one, market)
    outcome, = proposed.json['markets']
    assert (proposed.status, outcome['outcome']) == (200, 'PROPOSED'), proposed.body
    ident = outcome['proposal_id']
    row, = apart.other.call('GET', f'/v1/admin/{PROPOSALS}').json['proposals']
    assert (row['proposal_id'], row['actor']) == (ident, 'tom')
    same = apart.other.say(f'{PROPOSALS}/{ident}/approve', who='tom')
    assert (same.status, same.code) == (403, 'SAME_ACTOR')
    approved = apart.other.say(f'{PROPOSALS}/{ident}/approve', who='eve')
    assert (approved.status, approved.json['decision']) == (200, 'approved'), approved.body
    for customer, bet in zip(apart.apart.customers, bets):
        assert customer.wait_bet(bet['bet_id'], status='WON')
    assert all(office.carried() > 0 for office in apart.offices.all)
    until(lambda: apart.desk.metric('overround_offices_attached') == 2)
    apart.apart.verify()
    assert apart.words(market, 'RESULT') == 1


def pages(office, who):
    """What was offered, as the log has it from its begin."""
    page = office.call('GET', '/v1/admin/streams/odds-updates?group=audit', who=who)
    assert page.status == 200, page.body
    *events, place = [json.loads(line) for line in page.body.splitlines()]
    assert place['position'] > 0
    return json.dumps(events)


def test_auditors_and_regulators_read_and_say_nothing(apart):
    market = apart.apart.market()
    assert apart.one.say(f'markets/{market}/suspend').status == 200
    for who in ('al', 'auditor'), ('rita', 'regulator'):
        status = apart.one.call('GET', '/v1/admin/status', who=who)
        assert (status.status, status.json['shard'], status.json['accounts']) == (200, 2, 0)
        listed = apart.other.call('GET', '/v1/admin/markets', who=who).json['markets']
        assert market in {row['market_id'] for row in listed}
        assert apart.one.call('GET', '/v1/admin/adjustments', who=who).status == 200
        until(lambda who=who: market in pages(apart.other, who))
        head = apart.one.call('HEAD', '/v1/admin/markets', who=who)
        assert (head.status, head.body) == (200, b'')
        before = apart.one.carried()
        refused = apart.one.call('POST', f'/v1/admin/markets/{market}/resume', {'reason': 'x'},
                                 who=who)
        assert (refused.status, refused.code) == (403, 'ROLE_REQUIRED')
        assert apart.one.carried() == before


def test_who_may_not_ask_is_refused_at_the_office_itself(plain):
    office, book = plain.all[0], plain.book
    market = book.market()
    before = book.server.metric('overround_offices_questions_total')
    assert office.call('GET', '/v1/admin/markets', who=None).status == 401
    assert office.call('POST', f'/v1/admin/markets/{market}/suspend', {'reason': 'x'},
                       who=None).status == 401
    for role in 'bettor', 'feed', 'gateway', 'shard', 'standby', 'back-office', 'auditor':
        refused = office.call('POST', f'/v1/admin/markets/{market}/suspend', {'reason': 'x'},
                              who=('x', role))
        assert (refused.status, refused.code) == (403, 'ROLE_REQUIRED'), role
    assert office.call('DELETE', f'/v1/admin/markets/{market}/suspend').status == 405
    assert office.call('GET', '/v1/admin/nothing').status == 404
    for path, role in (('/v1/link', 'gateway'), ('/v1/ship', 'standby'),
                       ('/v1/desk-link', 'shard'), ('/v1/office-link', 'back-office')):
        assert office.call('GET', path, who=('x', role)).status == 404
    assert office.call('POST', '/v1/feed/json', {}, who=('f', 'feed')).status == 404
    assert office.metric('overround_office_refused_total') == 9
    assert book.server.metric('overround_offices_questions_total') == before
    assert book.bettor().bet(market, 11).status == 201


def test_the_page_is_the_offices_own(plain):
    office = plain.all[0]
    assert office.get('/').headers['location'] == '/desk/'
    before = office.carried()
    plain.book.server.kill()
    until(lambda: not office.is_ready())
    assert office.get('/desk/').status == 200
    assert office.get('/shared/http.js').status == 200
    assert office.get('/healthz').status == 200
    assert office.get('/metrics').status == 200
    away = office.call('GET', '/v1/admin/markets')
    assert (away.status, away.code, away.headers['retry-after']) == (503, 'BOOK_AWAY', '1')
    assert office.carried() == before


def row(market, rest):
    return f'.market-row[data-market="{market}"] {rest}'


def test_the_page_works_through_it(plain):
    market = plain.book.market(event='office-1')
    office = plain.all[0]
    with Browser() as browser:
        page = browser.page('http://%s:%d/desk/' % office.admin)
        page.wait('document.readyState == "complete" && document.getElementById("token")'
                  ' && !document.getElementById("sign-in").hidden')
        page.fill('#token', office.token('tom', 'trader'))
        page.click('#sign-in-form button')
        page.wait(page.found(row(market, '.do button')))
        page.click(row(market, '.do button'))
        page.wait(f'/Stopped by the desk/.test({page.text(row(market, ".state"))})')
        assert plain.book.server.get(f'/v1/odds/{market}').json['status'] == 'suspended'
        page.click(row(market, '.do button'))
        page.wait(f'!/Stopped by the desk/.test({page.text(row(market, ".state"))})')
        page.click(row(market, '.do button:last-child'))
        for selection, outcome in (('11', 'WON'), ('12', 'LOST'), ('13', 'LOST')):
            page.pick(f'.outcome[data-selection="{selection}"] .outcome-head select', outcome)
        page.fill('#market-chosen form > .field input', 'seen on the pitch')
        page.click('#market-chosen form > button.main')
        page.wait(f'/Recorded/.test({page.text("#market-chosen .answer")})')
        assert page.errors == []
    assert office.carried() > 0


def test_what_a_trader_says_has_its_key_and_its_body(plain):
    """Grants are named by a key, limits are put, and a body may be as long as the desk takes."""
    customer = plain.book.bettor(money='10.00')
    path = f'/v1/admin/users/{customer.name}/grants'
    grant = {'kind': 'free_bet', 'amount': 5, 'currency': 'GBP', 'reason': 'welcome'}
    without = plain.all[0].call('POST', path, grant)
    assert without.status == 400, without.body
    direct = plain.book.server.desk(path, grant)
    assert (direct.status, direct.code) == (without.status, without.code)
    given = [office.call('POST', path, grant, headers={'Idempotency-Key': 'g1'})
             for office in plain.all]
    assert [answer.status for answer in given] == [201, 200], [answer.body for answer in given]
    assert customer.account()['free_bets'] == 5
    market = plain.book.market()
    limited = plain.all[1].call('PUT', f'/v1/admin/limits/market/{market}',
                                {'stake_minor_max': 320, 'reason': 'thin'})
    assert limited.status == 200, limited.body
    assert plain.book.bettor().bet(market, 11, '10.00').code == 'STAKE_LIMIT'
    shown = plain.all[0].call('GET', f'/v1/admin/limits/market/{market}')
    assert shown.json == plain.book.server.desk(f'/v1/admin/limits/market/{market}', None,
                                                method='GET').json
    event = plain.book.server.get(f'/v1/odds/{market}').json['event_id']
    long = {**results(market, 1, **WON), 'reason': 'x' * (200 * 1024)}
    answers = [office.say(f'events/{event}/results', long) for office in plain.all[:1]]
    direct = plain.book.server.desk(f'/v1/admin/events/{event}/results', long)
    assert [(a.status, a.code) for a in answers] == [(direct.status, direct.code)]
    too_long = {**long, 'reason': 'x' * (257 * 1024)}
    assert plain.all[0].say(f'events/{event}/results', too_long).status == 413


# ---- who falls ----

def waits(apart, market, word, ask):
    """Asks while a shard stands still, so that the answer is under way; how it ends."""
    told = []

    def say():
        try:
            told.append(ask())
        except (OSError, Closed) as gone:
            told.append(gone)

    shard = apart.apart.services[1].process
    os.kill(shard.pid, signal.SIGSTOP)
    thread = threading.Thread(target=say)
    thread.start()
    until(lambda: apart.desk.metric('overround_desk_words_total') > word)
    return thread, told, lambda: os.kill(shard.pid, signal.SIGCONT)


def test_an_office_that_is_killed_while_it_asks_leaves_a_word_once(apart):
    for turn in range(3):
        market = apart.apart.market()
        victim, other = (apart.one, apart.other)[::(-1) ** turn]
        words = apart.desk.metric('overround_desk_words_total')
        thread, told, go_on = waits(apart, market, words,
                                    lambda v=victim, m=market: v.say(f'markets/{m}/suspend'))
        victim.kill()
        thread.join()
        go_on()
        assert isinstance(told[0], (OSError, Closed)), told
        until(apart.apart.granted)
        apart.apart.all_bet(market, 'MARKET_SUSPENDED')
        held, = other.call('GET', f'/v1/admin/markets?market_id={market}').json['markets']
        assert held['held'] is True
        other.tell(f'markets/{market}/resume', SHARDS)
        apart.apart.all_bet(market)
        victim.start()
        apart.offices.until_ready()
    apart.apart.verify()


def test_a_desk_that_is_killed_while_it_is_asked_gives_no_false_answer(apart):
    market = apart.apart.market()
    words = apart.desk.metric('overround_desk_words_total')
    thread, told, go_on = waits(apart, market, words,
                                lambda: apart.other.say(f'markets/{market}/suspend'))
    apart.desk.kill()
    thread.join()
    go_on()
    assert (told[0].status, told[0].code) == (503, 'ANSWER_DELAYED'), told[0].body
    away = apart.other.say(f'markets/{market}/suspend')
    assert (away.status, away.code) == (503, 'BOOK_AWAY')
    assert apart.other.metric('overround_office_unanswered_total', reason='link_ended') == 1
    assert apart.other.metric('overround_office_unanswered_total', reason='away') == 1
    apart.again()
    # It stands or not, and to say it again adds nothing to what stands.
    apart.other.tell(f'markets/{market}/suspend', SHARDS)
    apart.apart.all_bet(market, 'MARKET_SUSPENDED')
    apart.apart.verify()
    assert apart.words(market, 'FENCE') == 1


def test_a_result_is_recorded_once_whoever_is_killed_meanwhile(apart):
    """Approved by many at once, at both offices; killed are an office and the desk in turns."""
    for turn in range(4):
        market = apart.apart.market()
        bets = apart.placed(market)
        ident = apart.enter(apart.one, market).json['markets'][0]['proposal_id']
        told = []

        def approve(office, ident=ident, told=told):
            try:
                told.append(office.say(f'{PROPOSALS}/{ident}/approve', who='eve'))
            except (OSError, Closed):
                pass  # this office was killed

        threads = [threading.Thread(target=approve, args=(apart.offices.all[n % 2],))
                   for n in range(8)]
        for thread in threads:
            thread.start()
        (apart.desk if turn % 2 else apart.one).kill()
        for thread in threads:
            thread.join()
        # 422: it is approved already, and is about to take force; 404: it has.
        assert {answer.status for answer in told} <= {200, 404, 422, 503}
        assert sum(answer.status == 200 for answer in told) <= 1
        if turn % 2:
            apart.again()
        else:
            apart.one.start()
            apart.offices.until_ready()
        last = until(lambda path=f'{PROPOSALS}/{ident}/approve': (
            said := apart.other.say(path, who='eve')).status != 503 and said)
        assert last.status in (200, 404, 422), last.body
        for customer, bet in zip(apart.apart.customers, bets):
            assert customer.wait_bet(bet['bet_id'], status='WON')
    apart.apart.verify()
    assert [apart.words(market, 'RESULT')] == [1]


def test_a_way_that_swallows_is_noticed(plain):
    market, office = plain.book.market(), plain.all[0]
    plain.way.stop(silent=True)
    unknown = office.say(f'markets/{market}/suspend')
    assert (unknown.status, unknown.code) == (503, 'ANSWER_DELAYED')
    assert plain.book.server.get(f'/v1/odds/{market}').json['status'] == 'active'
    plain.way.stop()
    plain.way.go()
    plain.until_ready()
    assert office.say(f'markets/{market}/suspend').status == 200


def test_an_office_that_ends_answers_what_is_under_way(apart):
    market = apart.apart.market()
    words = apart.desk.metric('overround_desk_words_total')
    thread, told, go_on = waits(apart, market, words,
                                lambda: apart.one.say(f'markets/{market}/suspend'))
    apart.one.process.send_signal(signal.SIGTERM)
    thread.join()
    go_on()
    assert (told[0].status, told[0].json['shards']) == (200, {'have_it': 1, 'away': [1]})
    assert apart.one.process.wait(60) == 0


# ---- load isolation (DO-42) ----

class Flood:
    """Requests without end at an office's listener, with and without a token, on many
    connections."""

    def __init__(self, office, threads=6):
        self.stop, self.statuses, self.lock = threading.Event(), [], threading.Lock()
        tokens = [office.token('tom', 'trader'), office.token('eve', 'trader'), None]
        self.threads = [threading.Thread(target=self.ask, daemon=True,
                                         args=(office.admin, tokens[n % 3]))
                        for n in range(threads)]
        for thread in self.threads:
            thread.start()

    def ask(self, address, token):
        try:
            with Http(address) as http:
                while not self.stop.is_set():
                    for _ in range(32):
                        http.begin('GET', '/v1/admin/markets', token=token)
                    told = [http.response().status for _ in range(32)]
                    with self.lock:
                        self.statuses += told
        except (OSError, Closed, ValueError):
            pass  # the office was killed

    def count(self, status):
        with self.lock:
            return self.statuses.count(status)

    def end(self):
        self.stop.set()
        for thread in self.threads:
            thread.join()


def test_a_flood_at_an_office_and_its_death_stop_no_bet(apart):
    market = apart.apart.market()

    def count(name, **labels):
        return [service.metric(name, **labels) for service in apart.apart.services]

    before = count('overround_bets_total', verdict='PLACED'), count('overround_bets_late_total')
    flood = Flood(apart.one)
    for _ in range(20):
        apart.placed(market)
    until(lambda: min(map(flood.count, (200, 401, 429))) > 100, 60)
    # The other office is as it was, and the desk hears its words.
    apart.other.tell(f'markets/{market}/suspend', SHARDS)
    apart.other.tell(f'markets/{market}/resume', SHARDS)
    apart.apart.level(market)
    apart.one.kill()
    flood.end()
    for _ in range(20):
        apart.placed(market)
    after = count('overround_bets_total', verdict='PLACED'), count('overround_bets_late_total')
    placed, late = ([b - a for a, b in zip(*rows)] for rows in zip(before, after))
    # PLACED, whatever was refused; of those that a slow disk made late, some.
    assert all(40 <= n <= 40 + more for n, more in zip(placed, late)), (placed, late)
    apart.other.tell(f'markets/{market}/suspend', SHARDS)
    apart.apart.verify()


def test_a_plain_book_bets_on_while_its_office_is_flooded_and_killed(plain):
    market = plain.book.market()
    load = Load(plain.book, market)
    join = load.start(0)
    flood = Flood(plain.all[0])
    until(lambda: min(map(flood.count, (200, 401, 429))) > 100, 60)
    for _ in range(3):
        acknowledged = len(load.acknowledged)
        until(lambda a=acknowledged: len(load.acknowledged) > a + 50, 60)
        plain.all[0].restart()
    join()
    flood.end()
    load.check()
    assert plain.all[1].say(f'markets/{market}/suspend').status == 200


# ---- who may come, and with what ----

def test_who_may_come_and_with_what(own_book):
    server = own_book.server
    with Http(server.admin) as http:
        assert http.request('GET', '/v1/office-link').status == 401
        for role in 'admin', 'gateway', 'trader':
            assert http.request('GET', '/v1/office-link', token=server.token('a', role)).status \
                == 403
        office = server.token('o', 'back-office')
        answer = http.request('GET', '/v1/office-link', token=office)
        assert (answer.status, answer.code) == (400, 'LINK_PROTOCOL')
        # A back-office has no other right.
        assert http.request('GET', '/v1/admin/status', token=office).status == 403
        assert http.request('GET', '/v1/link', token=office).status == 403
    before = server.metric('overround_offices_bad_batches_total')
    for rubbish in b'x', bytes(64), b'\xff' * 70000:
        with WebSocket(server.admin, office, path='/v1/office-link',
                       headers={'Sec-WebSocket-Protocol': PROTOCOL}) as socket:
            socket.send_frame(BINARY, rubbish)
            assert socket.close_code() == 1000
    assert server.metric('overround_offices_bad_batches_total') == before + 3
    assert own_book.bettor().bet(own_book.market(), 11).status == 201


def test_so_many_offices_and_no_more(own_book):
    server = own_book.server
    office = server.token('o', 'back-office')
    named = {'path': '/v1/office-link', 'headers': {'Sec-WebSocket-Protocol': PROTOCOL}}
    with ExitStack() as all_of_them:
        begun = []
        while not begun or begun[-1].handshake.status == 101:
            begun.append(all_of_them.enter_context(WebSocket(server.admin, office, **named)))
            assert len(begun) < 100
        # Who is slow to open them may lose the first again: they answer no pings.
        refused = begun.pop().handshake
        assert len(begun) >= 8 and (refused.status, refused.code) == (503, 'OVERLOADED')
        assert server.metric('overround_offices_attached') <= 8
    assert server.metric('overround_limit_reached_total', limit='offices_max') == 1


@pytest.mark.parametrize('options, word', [
    (('--roles', 'back-office'), '--book'),
    (('--roles', 'back-office', '--book', 'nowhere'), '--book'),
    (('--roles', 'back-office', '--book', '127.0.0.1:1'), 'token'),
    (('--roles', 'back-office', '--book', '127.0.0.1:1', '--token', '/nonexistent'), 'token'),
    (('--roles', 'back-office', '--profile', 'production', '--book', '127.0.0.1:1'), '--jwks'),
    (('--roles', 'back-office,odds-service'), 'a process runs all of them')])
def test_what_cannot_be_is_refused(tmp_path, options, word):
    done = run('serve', '--data', str(tmp_path), *options, check=False)
    assert done.returncode == 2 and word in done.stderr, done.stderr


# ---- by TLS ----

def test_certificates_are_asked_for_at_the_office_and_at_the_desk(tmp_path):
    pki = Pki(tmp_path / 'pki').issue('server').issue('office').issue('desk')
    listens = [*pki.options('server', 'admin-'), '--admin-client-ca', pki.cert('ca')]
    with Server(tmp_path / 'data', *listens) as server:
        with Office(str(tmp_path / 'office'), server, server.admin, '--book-ca', pki.cert('ca'),
                    '--book-cert', pki.cert('office'), '--book-key', pki.key('office'),
                    *listens) as office:
            def ask(path, certificate):
                with Http(office.admin, tls=pki.client(certificate)) as http:
                    return http.request('GET', path, token=office.token('al', 'auditor'))

            with pytest.raises((ssl.SSLError, ConnectionResetError, Closed)):
                ask('/healthz', None)
            until(lambda: ask('/readyz', 'desk').status == 200)
            status = ask('/v1/admin/status', 'desk')
            assert (status.status, status.json['taking_bets']) == (200, True)
        with Office(str(tmp_path / 'other'), server, server.admin, '--book-ca',
                    pki.cert('ca')) as stranger:
            until(lambda: 'the desk is not there' in stranger.log_text())
            assert not stranger.is_ready()
