"""What `overround ledger dump` says of each settlement is settled again by another program
(tests/foreign/check_bets.py, Python's fractions), from the record alone."""
import json
import os
import subprocess
from decimal import Decimal

from lib.server import ROOT, run
from lib.until import until

PRICES = {11: 2.1, 12: 3.4, 13: 4.8, 14: 16.0}


def settled_again(text):
    """How many of which shape the checker has seen; it accepts all of them."""
    checker = os.path.join(ROOT, 'tests/foreign/check_bets.py')
    done = subprocess.run(['/usr/bin/python3', checker, '--records'], input=text, text=True,
                          stdout=subprocess.PIPE, check=False)
    return done.returncode, done.stdout


TERMS = {'marketType': 'EACH_WAY', 'eachWayDivisor': 4, 'numberOfWinners': 2}


def race(book, event, **definition):
    return book.market(PRICES, event=event, eventTypeId='7', bettingType='ODDS',
                       **{'marketType': 'WIN', **definition})


def place_all(customer, to_win, each_way):
    """Every shape; each-way ones on markets that have terms, which take no others."""

    def leg(market, runner, **more):
        return {'market_id': market, 'selection_id': str(runner),
                'odds': customer.odds(market, runner)[0], **more}

    def four(markets):
        return [leg(market, runner) for market, runner in zip(markets, (11, 12, 11, 13))]

    one, two = to_win[:2]
    bankers = [{**four(each_way)[0], 'banker': True}, *four(each_way)[1:]]
    slips = [{'type': 'multiple', 'legs': four(to_win)[:2], 'stake': Decimal('5.01')},
             {'type': 'multiple', 'legs': [leg(one, 14), leg(two, 11)], 'stake': Decimal('3.33')},
             {'type': 'multiple', 'legs': four(each_way), 'stake': Decimal('1.00'),
              'each_way': True},
             {'type': 'system', 'system_name': 'LUCKY_15', 'legs': four(to_win),
              'unit_stake': Decimal('0.07')},
             {'type': 'system', 'system': [2, 3], 'legs': bankers, 'unit_stake': Decimal('0.13'),
              'each_way': True}]
    for runner in (11, 12, 13, 14):
        slips.append({**leg(each_way[0], runner), 'stake': Decimal('2.02'), 'each_way': True})
        slips.append({**leg(two, runner), 'stake': Decimal('0.37')})
    bets = []
    for slip in slips:
        response = customer.place({**slip, 'currency': 'GBP'})
        assert response.status == 201, response.body
        bets.append(response.json['bet_id'])
    return bets


def test_every_settlement_of_a_dump_is_settled_again_by_another_program(own_book):
    customer = own_book.bettor(money='1000.00')
    to_win = [race(own_book, str(9100 + n)) for n in range(4)]
    each_way = [race(own_book, str(9200 + n), **TERMS) for n in range(4)]
    bets = place_all(customer, to_win, each_way)
    for one, two, three, four in to_win, each_way:
        own_book.feed.settle(one, {12})  # then corrected: two win, one has not run
        own_book.feed.settle(one, {11, 12}, removed={13}, at='2030-01-01T18:00:00.000Z')
        own_book.feed.settle(two, {12})
        own_book.feed.settle(three, {11})
        own_book.feed.settle(four, {14}, removed={13})
    until(lambda: all(customer.call('GET', f'/v1/bets/{bet}').json['status'] != 'PLACED'
                      for bet in bets) and
          own_book.server.metric('overround_settle_backlog') == 0)  # and what was corrected
    own_book.feed.close()
    assert own_book.server.terminate() == 0
    status, seen = settled_again(run('ledger', 'dump', '--data', own_book.server.data).stdout)
    assert status == 0, seen
    seen = json.loads(seen)
    assert seen['settled'] > len(bets)  # corrected ones, too
    for shape in ('multiple', 'system', 'banker', 'each_way', 'void'):
        assert seen[shape] > 0, (shape, seen)


def test_a_settlement_that_does_not_follow_from_its_record_is_found():
    leg = {'odds_exact': '3/1', 'banker': True, 'result': 'WON', 'won': 1,
           'dead_heat_numerator': 1, 'dead_heat_denominator': 1}
    record = {'type': 'SETTLE', 'seq': 7, 'system': [], 'each_way': False, 'stake_kind': 'cash',
              'token_back': False, 'rounding': 'down', 'legs': [leg]}
    text = json.dumps(record)[:-1] + ',"stake":10.00,"payout":%s,"postings":[' \
        '{"kind":"available","amount":%s},{"kind":"house result","amount":-%s}]}'
    text = text.replace('"won": 1', '"won": 1,"void_factor":0.0')
    assert settled_again(text % (('30.00',) * 3))[0] == 0
    status, said = settled_again(text % (('30.01',) * 3))
    assert status == 1 and said.startswith('check_bets: record 7: payout 30.01')
