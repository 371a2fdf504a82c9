"""A book of three shards with one desk: what it says holds in every shard's log, or the shard is
named, and then it takes no bets before it has it."""
import json
import signal

import pytest
from conftest import make
from lib.bettor import Bettor
from lib.desk import results, until_told
from lib.server import run
from lib.shards import Desk, users_of
from lib.until import until

SHARDS, MARKET = 3, '1.77'


class Three(Desk):
    """With a customer in each shard."""

    def __init__(self, folder):
        super().__init__(make, folder, SHARDS)
        self.market(MARKET, {11: 2.0, 12: 3.5})
        self.customers = [Bettor(book.server, next(users_of(n, SHARDS)))
                          for n, book in enumerate(self.books)]
        until(self.granted)

    def say(self, path, body=None, method='POST'):
        """At the desk."""
        answer = self.books[0].server.desk(f'/v1/admin/{path}', body or {'reason': 'x'},
                                           method=method)
        assert answer.status == 200, answer.body
        return answer.json

    def hold(self, word, away=()):
        """Until all shards have it but those that are away."""
        until_told(lambda: self.say(f'markets/{MARKET}/{word}')['shards'], SHARDS - len(away),
                   away)

    def bet(self, shard, **more):
        """What a bet comes to: placed, or why not."""
        answer = self.customers[shard].bet(MARKET, 11, '1', odds=None, odds_version=None,
                                           price_policy='any', **more)
        return 'placed' if answer.status == 201 else answer.json['code']

    def placed(self, shard, stake):
        """A bet, once its shard has its desk's grant."""
        def bet():
            answer = self.customers[shard].bet(MARKET, 11, stake)
            assert answer.status == 201 or answer.json['code'] == 'DESK_AWAY', answer.body
            return answer.json if answer.status == 201 else None
        return until(bet)

    def words(self, shard):
        """The desk's records that the shard's log has, in their order."""
        dumped = run('ledger', 'dump', '--data', self.books[shard].server.data).stdout
        records = [json.loads(line) for line in dumped.splitlines()]
        return [r for r in records if r['type'] == 'RELAYED' and 'word' in r]

    def check(self):
        """All logs are whole, and those of the others have the same words, each once."""
        for book in self.books:
            assert book.server.terminate() == 0
            assert 'all invariants hold' in book.server.verify()
        told = [[word['desk_seq'] for word in self.words(n)] for n in range(1, SHARDS)]
        assert told[0] == told[1] == sorted(set(told[0])) and told[0]


@pytest.fixture
def three(tmp_path):
    made = Three(tmp_path)
    yield made
    for book in made.books:
        book.server.process.send_signal(signal.SIGCONT)
    made.close()


def come_to(three, what, shards=range(SHARDS)):
    """Every bet of these shards comes to that, or to nothing while its shard has no grant."""
    for shard in shards:
        def look(shard=shard):
            code = three.bet(shard)
            assert code in (what, 'DESK_AWAY'), code
            return code == what
        until(look)


def test_what_the_desk_says_holds_in_every_shard(three):
    come_to(three, 'placed')
    three.hold('suspend')
    come_to(three, 'MARKET_SUSPENDED')
    three.hold('suspend')  # once more: nothing changes, and all have it
    elsewhere = three.books[1].server.desk(f'/v1/admin/markets/{MARKET}/resume', {'reason': 'x'})
    assert (elsewhere.status, elsewhere.json['code']) == (421, 'DESK_ELSEWHERE')
    three.hold('resume')
    come_to(three, 'placed')
    limits = {'stake_minor_max': 50, 'reason': 'x'}
    until_told(lambda: three.say(f'limits/market/{MARKET}', limits, 'PUT')['shards'], SHARDS)
    come_to(three, 'STAKE_LIMIT')
    gone = three.say(f'limits/market/{MARKET}', method='DELETE')['shards']
    assert gone['have_it'] + len(gone['away']) == SHARDS
    for book in three.books:  # all have it, whenever the answer came
        until(lambda b=book: b.server.desk(f'/v1/admin/limits/market/{MARKET}', None,
                                           method='GET').status == 404)
    come_to(three, 'placed')
    desk = three.books[0].server
    until(lambda: desk.metric('overround_desk_shards_attached') == 2)
    until(lambda: desk.metric('overround_desk_lag_records') == 0)
    assert desk.metric('overround_desk_words_refused_total') == 0
    three.check()


def test_a_result_of_the_desk_settles_the_bets_of_all_shards(three):
    bets = [three.placed(shard, '10') for shard in range(SHARDS)]
    event = three.books[0].server.get(f'/v1/odds/{MARKET}').json['event_id']
    said = {**results(MARKET, 1, s11='WON', s12='LOST'), 'reason': 'x'}
    until_told(lambda: three.say(f'events/{event}/results', said)['shards'], SHARDS)
    for customer, bet in zip(three.customers, bets):
        assert customer.wait_bet(bet['bet_id'], status='WON')
        assert customer.balance() > 1000
    three.check()


def test_a_shard_that_died_takes_no_bet_before_it_has_what_was_said(three):
    three.books[2].server.kill()
    three.hold('suspend', away=[2])
    come_to(three, 'MARKET_SUSPENDED', range(2))
    three.restart(2)
    three.customers[2].server = three.books[2].server
    three.customers[2].reconnect()
    come_to(three, 'MARKET_SUSPENDED', [2])
    three.hold('resume')
    come_to(three, 'placed', [2])
    three.check()


def test_a_shard_that_stands_still_is_named_and_catches_up_before_its_next_bet(three):
    still = three.books[1].server.process
    come_to(three, 'placed', [1])
    still.send_signal(signal.SIGSTOP)
    three.hold('suspend', away=[1])
    still.send_signal(signal.SIGCONT)
    come_to(three, 'MARKET_SUSPENDED', [1])
    until(three.granted)
    come_to(three, 'MARKET_SUSPENDED', [1])
    three.hold('suspend')
    three.check()


def test_without_their_desk_the_shards_take_no_bets_and_do_all_else(three):
    bet = three.placed(1, '10')
    three.books[0].server.kill()
    for shard in 1, 2:
        until(lambda n=shard: three.bet(n) == 'DESK_AWAY')
        assert three.customers[shard].deposit('1.00').status == 201
    assert three.customers[1].read(bet['bet_id'])['status'] == 'PLACED'
    assert three.books[1].server.get('/readyz').status == 503
    assert three.books[1].server.metric('overround_desk_away_bets_total') >= 1
    three.restart(0)
    until(three.granted)
    come_to(three, 'placed', (1, 2))
    three.hold('suspend')
    come_to(three, 'MARKET_SUSPENDED', (1, 2))
    three.check()


def test_words_that_were_said_before_a_desk_died_are_told_by_the_next(three):
    three.desk_way.stop()
    until(lambda: three.bet(1) == 'DESK_AWAY')
    three.hold('suspend', away=[1, 2])
    three.books[0].server.kill()
    three.restart(0)
    three.desk_way.go()
    come_to(three, 'MARKET_SUSPENDED', (1, 2))
    assert three.books[0].server.metric('overround_desk_words_read_total') >= 2
    three.check()


@pytest.mark.parametrize('options, said', [
    (['--shard', '1', '--shards', '2', '--desk', '127.0.0.1'], 'no address'),
    (['--shard', '0', '--shards', '2', '--desk', '127.0.0.1:1'], 'the desk itself'),
    (['--desk', '127.0.0.1:1'], 'none elsewhere'),
    (['--shard', '1', '--shards', '2', '--desk', '127.0.0.1:1'], '--desk-token'),
    (['--shard', '1', '--shards', '2', '--desk', ','.join(['127.0.0.1:1'] * 9)], 'more than 8')])
def test_a_desk_that_is_not_named_well_is_refused(tmp_path, options, said):
    done = run('serve', '--data', str(tmp_path), *options, check=False)
    assert done.returncode == 2 and said in done.stderr, done.stderr


def test_the_links_route_wants_its_role_and_is_nothing_elsewhere(three):
    desk, other = three.books[0].server, three.books[1].server
    assert desk.desk('/v1/desk-link', None, 'trader', 'GET').json['code'] == 'ROLE_REQUIRED'
    assert desk.desk('/v1/desk-link', None, 'shard', 'GET').json['code'] == 'LINK_PROTOCOL'
    assert other.desk('/v1/desk-link', None, 'shard', 'GET').status == 404
