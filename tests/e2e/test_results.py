"""Results by hand, each kind: what is posted, what the bets then come to, and what is recorded."""
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest
from lib.server import run
from lib.until import until

NOW = '%Y-%m-%dT%H:%M:%S.%fZ'


def time_text(**later):
    return (datetime.now(timezone.utc) + timedelta(**later)).strftime(NOW)


def down(amount):
    return Decimal(amount).quantize(Decimal('.01'), 'ROUND_DOWN')


def post(book, market, version, token=None, **members):
    event = book.server.get(f'/v1/odds/{market}').json['event_id']
    body = {'result_version': version, 'reason': 'by hand',
            'markets': [{'market_id': market, **members}]}
    return book.server.desk(f'/v1/admin/events/{event}/results', body)


def rows(**by_selection):
    return [{'selection_id': s[1:], **r} for s, r in by_selection.items()]


def place_all(book, market, stake='10.00', runners=(11, 12, 13)):
    customer = book.bettor(money='100.00')
    return {r: customer.bet(market, r, stake).json for r in runners}, customer


def comes_to(customer, bet, payout):
    until(lambda: customer.read(bet['bet_id'])['payout'] == payout)
    return customer.read(bet['bet_id'])


def test_a_dead_heat_is_worked_out_from_positions(book):
    market = book.market()
    bets, customer = place_all(book, market)
    done = post(book, market, 1, selections=rows(
        s11={'position': 1, 'tied': 2}, s12={'position': 1, 'tied': 2}, s13={'position': 3}))
    assert done.status == 200, done.body
    comes_to(customer, bets[11], down(10 * bets[11]['odds'] / 2))
    bet = comes_to(customer, bets[12], down(10 * bets[12]['odds'] / 2))
    assert bet['legs'][0]['result'] == 'DEAD_HEAT'
    customer.wait_bet(bets[13]['bet_id'], status='LOST')
    again = post(book, market, 2, places=2, selections=rows(
        s11={'position': 1, 'tied': 2}, s12={'position': 1, 'tied': 2}, s13={'position': 3}))
    assert again.status == 200, again.body
    comes_to(customer, bets[11], down(10 * bets[11]['odds']))


def test_a_withdrawal_takes_off_by_rule_4_from_bets_before_it(book):
    market = book.market()
    bets, customer = place_all(book, market)
    done = post(book, market, 1, selections=rows(
        s11={'result': 'WON'}, s12={'result': 'LOST'},
        s13={'withdrawn_at': time_text(seconds=5), 'withdrawn_odds': Decimal('4.0')}))
    assert done.status == 200, done.body
    bet = comes_to(customer, bets[11],
                   down(10 + 10 * (bets[11]['odds'] - 1) * Decimal('.75')))  # 25p at 3/1
    assert 'explanation' in bet
    customer.wait_bet(bets[13]['bet_id'], status='VOID')
    late = post(book, market, 2, selections=rows(  # it left before the bets were struck
        s13={'withdrawn_at': '2026-01-01T00:00:00Z', 'withdrawn_odds': Decimal('4.0')}))
    assert late.status == 200, late.body
    comes_to(customer, bets[11], down(10 * bets[11]['odds']))


def test_a_reduction_factor_is_taken_from_the_price(book):
    market = book.market()
    bets, customer = place_all(book, market)
    done = post(book, market, 1, deduction_model='price', selections=rows(
        s11={'result': 'LOST'}, s12={'result': 'WON'},
        s13={'withdrawn_at': time_text(seconds=5), 'reduction_factor': Decimal('16.2')}))
    assert done.status == 200, done.body
    comes_to(customer, bets[12], down(10 * bets[12]['odds'] * Decimal('.838')))


def test_a_rollback_opens_one_selection_or_the_market(book):
    market = book.market()
    bets, customer = place_all(book, market)
    post(book, market, 1, selections=rows(
        s11={'result': 'WON'}, s12={'result': 'LOST'},
        s13={'withdrawn_at': time_text(seconds=5), 'withdrawn_odds': Decimal('4.0')}))
    customer.wait_bet(bets[11]['bet_id'], status='WON')
    customer.wait_bet(bets[12]['bet_id'], status='LOST')
    done = post(book, market, 2, kind='rollback', selections=rows(s11={'reason': 'enquiry'}))
    assert done.status == 200, done.body
    until(lambda: customer.read(bets[11]['bet_id'])['status'] == 'PLACED')
    assert customer.read(bets[12]['bet_id'])['status'] == 'LOST'
    assert post(book, market, 3, kind='rollback').status == 200
    until(lambda: customer.read(bets[12]['bet_id'])['status'] == 'PLACED')
    until(lambda: customer.read(bets[13]['bet_id'])['status'] == 'PLACED')
    assert customer.balance() == 70
    history = customer.read(bets[11]['bet_id'])['history']
    assert [h['event'] for h in history] == ['PLACED', 'SETTLED', 'REVERSED']
    assert post(book, market, 3, kind='rollback').json['markets'][0]['outcome'] == 'NO_CHANGE'
    assert post(book, market, 2, kind='rollback', selections=rows(s11={})).status in (200, 409)


def test_a_cancelled_window_voids_the_bets_within_until_it_is_undone(book):
    market = book.market()
    bets, customer = place_all(book, market)
    window = {'void_from': time_text(minutes=-5), 'void_until': time_text(minutes=5)}
    assert post(book, market, 1, kind='cancel', **window).status == 200
    for runner in (11, 12, 13):
        customer.wait_bet(bets[runner]['bet_id'], status='VOID')
    assert customer.balance() == 100
    assert post(book, market, 2, kind='undo_cancel', **window).status == 200
    until(lambda: customer.read(bets[11]['bet_id'])['status'] == 'PLACED')
    earlier = {'void_until': time_text(minutes=-5)}
    assert post(book, market, 3, kind='cancel', **earlier).status == 200
    assert post(book, market, 4, selections=rows(
        s11={'result': 'WON'}, s12={'result': 'LOST'}, s13={'result': 'LOST'})).status == 200
    customer.wait_bet(bets[11]['bet_id'], status='WON')
    assert post(book, market, 5, kind='cancel').status == 200  # all bets, whenever placed
    customer.wait_bet(bets[11]['bet_id'], status='VOID')
    until(lambda: customer.balance() == 100)


@pytest.mark.parametrize('own_book', [['--provider-skew-ms', '-600000']], indirect=True)
def test_a_window_is_in_the_clock_of_who_says_it(own_book):
    """Theirs is ten minutes behind ours, and stays so for what was said, whatever is set later."""
    market = own_book.market()
    bets, customer = place_all(own_book, market, runners=(11, 12))
    ours = {'void_from': time_text(minutes=-5), 'void_until': time_text(minutes=5)}
    theirs = {'void_from': time_text(minutes=-15), 'void_until': time_text(minutes=-5)}
    assert post(own_book, market, 1, kind='cancel', **ours).status == 200
    assert customer.read(bets[11]['bet_id'])['status'] == 'PLACED'
    assert post(own_book, market, 2, kind='cancel', **theirs).status == 200
    for bet in bets.values():
        customer.wait_bet(bet['bet_id'], status='VOID')
    assert own_book.server.terminate() == 0
    assert 'all invariants hold' in own_book.server.verify()
    dump = run('ledger', 'dump', '--data', own_book.server.data).stdout
    assert dump.count('"void_skew_us":-600000000') == 2


def totals(book):
    names = [{'id': 11, 'sortPriority': 1, 'status': 'ACTIVE', 'name': 'Under 2.5 Goals'},
             {'id': 12, 'sortPriority': 2, 'status': 'ACTIVE', 'name': 'Over 2.5 Goals'}]
    return book.market({11: 2.0, 12: 3.5}, marketType='OVER_UNDER_25', runners=names)


def test_lines_are_settled_from_the_score(book):
    market = totals(book)
    bets, customer = place_all(book, market, runners=(11, 12))
    assert post(book, market, 1, score=[2, 1]).status == 200
    customer.wait_bet(bets[12]['bet_id'], status='WON')
    customer.wait_bet(bets[11]['bet_id'], status='LOST')
    assert post(book, market, 2, score=[1, 1],
                selections=rows(s11={'result': 'LOST'})).code == 'INVALID_RESULT'
    assert post(book, market, 2, score=[1, 1]).status == 200
    customer.wait_bet(bets[11]['bet_id'], status='WON')


def test_a_score_alone_decides_no_other_market(book):
    market = book.market()
    bets, customer = place_all(book, market)
    assert post(book, market, 1, score=[2, 1]).code == 'INVALID_RESULT'
    assert customer.read(bets[11]['bet_id'])['status'] == 'PLACED'


@pytest.mark.parametrize('members', [
    {'kind': 'maybe'}, {'kind': 'cancel', 'selections': rows(s11={})}, {'kind': 'result'},
    {'kind': 'cancel', 'void_from': 'noon'}, {'score': [1]},
    {'selections': rows(s11={'result': 'WON', 'withdrawn_at': '2026-01-01T00:00:00Z'})},
    {'selections': rows(s11={'tied': 2})}])
def test_what_contradicts_itself_is_refused(book, members):
    market = book.market()
    bets, customer = place_all(book, market)
    response = post(book, market, 1, **members)
    assert response.status == 400 and response.code, response.body
    assert customer.read(bets[11]['bet_id'])['status'] == 'PLACED'


def test_every_reason_and_the_actor_are_in_the_record(own_book):
    market = own_book.market()
    bets, customer = place_all(own_book, market)
    post(own_book, market, 1, selections=rows(
        s11={'result': 'VOID', 'reason': 'lame'}, s12={'result': 'WON'},
        s13={'result': 'LOST', 'reason': 'last'}))
    customer.wait_bet(bets[12]['bet_id'], status='WON')
    assert own_book.server.terminate() == 0
    own_book.server.verify()
    dump = run('ledger', 'dump', '--data', str(own_book.server.data)).stdout
    line = next(row for row in dump.splitlines() if '"type":"RESULT"' in row)
    assert '"reason":"by hand"' in line and '"reason":"lame"' in line and '"reason":"last"' in line
    assert '"actor":"' in line
