"""The same slips through the naive book and the real one: where the naive one is correct (one slip
at a time, none sent twice, no crash, prices with at most four places) both say the same of each,
and everybody ends with the same money."""
import random
from decimal import Decimal

import pytest
from lib.bettor import Bettor
from lib.http import Http, dumps
from lib.naive import Customer, NaiveBook
from lib.server import Server
from lib.until import until

SEED, ROUNDS, USERS, MARKETS = 7, 240, 6, 8
LADDER = ['1.01', '1.33', '2.00', '2.10', '3.45', '7.1234', '15.5', '101']


@pytest.fixture
def books(tmp_path):
    naive = NaiveBook(tmp_path / 'naive', '--bets-per-minute', '0')
    server = Server(tmp_path / 'real', '--silence-ms', '60000').start()
    yield naive, server
    server.kill()
    naive.close()


def feed_both(books, *messages):
    naive, server = books
    lines = ''.join(dumps({**m, 'provider': 'club'}) + '\n' for m in messages)
    with Http(server.admin) as http:
        answer = http.request('POST', '/v1/feed/json', lines, server.token('feed-1', 'feed'))
    assert (answer.status, answer.json['malformed']) == (200, 0)
    naive.say(*messages)


def place_both(naive, server, user, market, rng):
    """One slip; sometimes on a version that is over, for too much money, or for what is closed. Too
    much money comes alone: of two faults V0 sees that one first, and the book last."""
    customer, bettor = user
    selection = rng.choice(['home', 'away'])
    shown = naive.shown(market)
    stale = rng.random() < 0.15 and shown['odds_version'] > 1
    good = not stale and shown['status'] == 'active'
    poor = good and rng.random() < 0.15
    stake = Decimal('2500.00' if poor else rng.choice(['0.01', '3.33', '10.00', '25.00']))
    versions = [shown['odds_version'],
                server.get(f'/v1/odds/{market}').json['odds_version']]
    slips = [{'market_id': market, 'selection_id': selection, 'stake': stake,
              'odds': Decimal('1.50') if stale else price(naive, market, selection),
              'odds_version': version - stale, 'currency': 'GBP', 'price_policy': 'exact'}
             for version in versions]
    answers = [customer.call('POST', '/v1/bets', slips[0]), bettor.place(slips[1])]
    told = [(a.status, a.json.get('code') if a.status != 201 else
             [Decimal(a.json[k]) for k in ('stake', 'odds', 'potential_return', 'balance')])
            for a in answers]
    assert told[0] == told[1], (slips, [a.body for a in answers])
    return [a.json['bet_id'] for a in answers] if answers[0].status == 201 else told[0][1]


def price(naive, market, selection):
    return next(s['odds'] for s in naive.shown(market)['selections'] if s['id'] == selection)


def test_the_same_slips_have_the_same_outcomes_and_balances(books):
    naive, server = books
    rng = random.Random(SEED)
    users = [(Customer(naive, f'u{i}', money='2000.00'),
              Bettor(server, f'u{i}', money='2000.00')) for i in range(USERS)]
    world = {f'both-{i}': 0 for i in range(MARKETS)}  # market -> changes of its price
    bets, refusals = [], set()
    for step in range(ROUNDS):
        market = rng.choice(list(world))
        if world[market] == 0 or rng.random() < 0.3:
            world[market] += 1
            status = 'suspended' if rng.random() < 0.2 else 'active'
            feed_both(books, naive.image(market, LADDER[(step + world[market]) % 8], status))
        user = rng.randrange(USERS)
        placed = place_both(naive, server, users[user], market, rng)
        if isinstance(placed, list):
            bets.append((user, *placed))
        else:
            refusals.add(placed)
    assert refusals == {'ODDS_CHANGED', 'MARKET_SUSPENDED', 'INSUFFICIENT_BALANCE'}
    for market in world:
        home = rng.choice(['WON', 'LOST', 'VOID'])
        feed_both(books, naive.result(market, home, 'LOST' if home == 'WON' else 'WON'))
    # What V0 calls SETTLED is what won and was paid.
    words = {'SETTLED': 'WON', 'LOST': 'LOST', 'VOID': 'VOID'}
    fates = set()
    for user, ours, theirs in bets:
        until(lambda: users[user][0].status(ours) in words)  # pylint: disable=cell-var-from-loop
        fate = words[users[user][0].status(ours)]
        users[user][1].wait_bet(theirs, status=fate)
        fates.add(fate)
    assert fates == {'WON', 'LOST', 'VOID'} and len(bets) > 50
    for customer, bettor in users:  # of what is void V0 says so before it is paid
        until(lambda c=customer, b=bettor: c.balance() == naive.money(c) == b.balance())
