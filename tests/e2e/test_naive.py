"""V0, the naive book, where it does what it promises: tables, polling, bets on the version that was
seen, the session's balance with its fallback, settlement by hand and by feed, limits."""
import os
import re
from decimal import Decimal

import pytest
from lib.http import Http
from lib.naive import NUMBERS, Customer, Holder, NaiveBook, NaiveServer
from lib.server import ROOT
from lib.until import until


@pytest.fixture(scope='module')
def naive(tmp_path_factory):
    made = NaiveBook(tmp_path_factory.mktemp('naive') / 'data', '--bets-per-minute', '0')
    yield made
    made.close()


def test_the_tables_are_those_of_the_specification(naive):
    def columns(table):
        return naive.postgres.psql(
            "SELECT string_agg(column_name || ' ' || data_type, ', ' ORDER BY ordinal_position) "
            f"FROM information_schema.columns WHERE table_name = '{table}'").stdout.strip()

    assert columns('odds') == ('market_id text, selections jsonb, odds_version integer, '
                               'status text, updated_at timestamp with time zone')
    # settled_at: V0's settlement writes it.
    assert columns('bets') == (
        'bet_id uuid, user_id text, market_id text, selection_id text, odds numeric, '
        'odds_version integer, stake numeric, status text, created_at timestamp with time zone, '
        'settled_at timestamp with time zone')
    indexes = naive.postgres.psql("SELECT indexdef FROM pg_indexes WHERE tablename IN "
                                  "('bets', 'odds')").stdout
    for wanted in ('odds USING btree (market_id)', 'bets USING btree (bet_id)',
                   'bets USING btree (market_id, status)',
                   'bets USING btree (user_id, created_at)'):
        assert wanted in indexes


def test_the_version_rises_by_one_with_each_change_and_only_then(naive):
    market = naive.market('2.10')
    assert naive.shown(market)['odds_version'] == 1
    assert naive.say(naive.image(market, '2.10'))['market_changes'] == 0
    assert naive.say(naive.image(market, '2.20'), naive.image(market, '2.30'))[
        'market_changes'] == 2
    shown = naive.shown(market)
    assert (shown['odds_version'], shown['status']) == (3, 'active')
    assert shown['selections'][0] == {'id': 'home', 'name': 'Home', 'odds': Decimal('2.30'),
                                      'status': 'active'}
    assert naive.server.get(f'/v1/odds/{market}').json == shown
    assert naive.server.get('/odds/nothing').status == 404


def test_a_bet_is_placed_on_the_version_that_was_seen_and_debited(naive):
    market, customer = naive.market('2.10'), Customer(naive)
    placed = customer.bet(market, stake='10.00')
    assert placed.status == 201, placed.body
    bet = placed.json
    assert (bet['status'], bet['odds'], bet['potential_return'], bet['balance']) == (
        'PLACED', Decimal('2.10'), Decimal('21.00'), Decimal('90.00'))
    assert customer.bet(market, path='/v1/bets').status == 201
    assert customer.status(bet['bet_id']) == 'PLACED'
    assert customer.balance() == naive.money(customer) == Decimal('80.00')
    listed = customer.call('GET', '/bets?days=90').json['bets']
    assert len(listed) == 2 and listed[0]['bet_id'] == bet['bet_id']
    assert Customer(naive).call('GET', f'/bets/{bet["bet_id"]}').status == 404


def test_the_three_refusals_are_told_apart_and_leave_no_trace(naive):
    market, customer = naive.market(), Customer(naive, money='10.00')
    old = naive.shown(market)['odds_version']
    naive.say(naive.image(market, '2.40'))
    changed = customer.bet(market, version=old)
    assert (changed.status, changed.code) == (409, 'ODDS_CHANGED')
    poor = customer.bet(market, stake='10.01')
    assert (poor.status, poor.code) == (400, 'INSUFFICIENT_BALANCE')
    naive.say(naive.image(market, '2.40', status='suspended'))
    suspended = customer.bet(market)
    assert (suspended.status, suspended.code) == (409, 'MARKET_SUSPENDED')
    assert naive.count(market, 'PLACED') == 0 and customer.balance() == Decimal('10.00')
    for verdict in ('ODDS_CHANGED', 'INSUFFICIENT_BALANCE', 'MARKET_SUSPENDED'):
        assert naive.server.metric('overround_bets_total', verdict=verdict) >= 1


def test_every_request_of_a_customer_needs_a_token(naive):
    market, customer = naive.market(), Customer(naive)
    slip = customer.slip(market)
    with naive.server.http() as http:
        for method, path, body in (('POST', '/bets', slip), ('GET', '/account', None),
                                   ('GET', '/bets', None)):
            assert http.request(method, path, body).status == 401
            assert http.request(method, path, body, 'x' + customer.token).status == 401
    with Http(naive.server.admin, foreign=True) as http:
        assert http.request('POST', '/v1/feed/json', '{}', customer.token).status == 403


def test_one_bet_on_a_market_waits_for_the_lock_of_another(naive):
    """V0-39: what FOR UPDATE holds, a bet waits for, and is then decided on what holds now."""
    market, customer = naive.market(), Customer(naive)
    slip = customer.slip(market)
    holder = Holder(naive.postgres, 'UPDATE odds SET odds_version = odds_version + 1 '
                                    f"WHERE market_id = '{market}'")
    customer.http.begin('POST', '/bets', slip, customer.token)
    until(lambda: naive.blocked() == 1)
    holder.end(commit=True)
    answer = customer.http.response('POST')
    assert (answer.status, answer.code) == (409, 'ODDS_CHANGED')


def counted_once(naive, outcome, ask):
    """Whether the session's answer is counted so once. A Redis that stands still for half a second
    is given up, and has answered nothing."""
    before = naive.server.metric('overround_naive_sessions_total', outcome=outcome)
    ask()
    return naive.server.metric('overround_naive_sessions_total', outcome=outcome) == before + 1


def test_a_balance_that_is_not_in_the_session_comes_from_the_database(naive):
    market, customer = naive.market(), Customer(naive)

    def evicted_and_bet():
        naive.redis.cli('flushall')
        assert customer.bet(market).status == 201
    until(lambda: counted_once(naive, 'hit', customer.balance))
    assert customer.balance() == Decimal('100.00')
    until(lambda: counted_once(naive, 'miss', evicted_and_bet))
    left = naive.money(customer)
    assert left < 100
    until(lambda: naive.session(customer) == str(left))  # nobody waits for the cache


def test_a_session_that_had_no_room_comes_from_the_database(naive):
    market, customer = naive.market(), Customer(naive)
    naive.redis.cli('config', 'set', 'maxmemory', '4mb')

    def pushed_out_and_bet():
        until(lambda: naive.redis.cli('set', f'other:{next(NUMBERS)}', 'x' * 65536) == 'OK'
              and naive.redis.cli('exists', f'session:{customer.name}') == '0')
        assert customer.bet(market, stake='1.00').status == 201
    until(lambda: counted_once(naive, 'miss', pushed_out_and_bet))
    naive.redis.cli('config', 'set', 'maxmemory', '32mb')
    naive.redis.cli('flushall')


def test_the_memory_of_a_session_is_what_deploy_counts_with(naive):
    with open(os.path.join(ROOT, 'deploy', 'naive'), encoding='ascii') as file:
        said = int(re.search(r'^session_bytes=(\d+)', file.read(), re.M)[1])
    customer = Customer(naive)
    session = naive.session(customer)

    def used():
        return int(re.search(r'^used_memory:(\d+)', naive.redis.cli('info', 'memory'), re.M)[1])
    before, count = used(), 20000
    naive.redis.cli('eval', f"for i = 1, {count} do redis.call('set', 'session:some-user-' .. i, "
                    f"'{session}', 'EX', 43200) end", '0')
    assert said / 2 < (used() - before) / count <= said


def test_a_feeds_result_settles_bet_by_bet(naive):
    market = naive.market('2.15')
    winner, loser = Customer(naive), Customer(naive)
    won = winner.bet(market, 'home', '3.33').json['bet_id']
    lost = loser.bet(market, 'away', '5.00').json['bet_id']
    assert naive.say(naive.result(market))['results'] == 1
    until(lambda: winner.status(won) == 'SETTLED' and loser.status(lost) == 'LOST')
    # 3.33 x 2.15 = 7.1595, rounded down, once.
    assert naive.money(winner) == Decimal('103.82')
    until(lambda: winner.balance() == Decimal('103.82'))  # the session is told after the commit
    assert naive.money(loser) == Decimal('95.00')
    assert naive.shown(market)['status'] == 'settled'
    assert winner.bet(market).code == 'MARKET_SUSPENDED'
    naive.say(naive.image(market, '9.00'))  # what is settled does not come back
    assert naive.shown(market)['status'] == 'settled'


def test_settlement_can_be_triggered_by_hand_and_void_gives_stakes_back(naive):
    market, customer = naive.market(), Customer(naive)
    bet = customer.bet(market, 'home', '40.00').json['bet_id']
    row = {k: v for k, v in naive.result(market, 'VOID', 'VOID').items() if k != 'op'}
    answer = naive.server.desk(f'/v1/admin/events/event-{market}/results', {'markets': [row]})
    assert (answer.status, answer.json) == (202, {'markets': 1})
    until(lambda: customer.status(bet) == 'VOID')
    until(lambda: naive.money(customer) == Decimal('100.00'))  # two statements
    row['selections'][0]['result'] = 'HALF_WON'  # V0 has no halves
    assert naive.server.desk('/v1/admin/events/e/results', {'markets': [row]}).status == 400


def test_a_settled_bet_is_made_void_by_the_desk_once(naive):
    market, customer = naive.market('3.00'), Customer(naive)
    bet = customer.bet(market, 'home', '10.00').json['bet_id']
    naive.say(naive.result(market))
    until(lambda: customer.status(bet) == 'SETTLED')
    assert naive.money(customer) == Decimal('120.00')
    voided = naive.server.desk(f'/v1/admin/bets/{bet}/void', {})
    assert (voided.status, voided.json['delta']) == (200, Decimal('-20.00'))
    assert naive.server.desk(f'/v1/admin/bets/{bet}/void', {}).status == 404
    assert naive.money(customer) == Decimal('100.00')
    until(lambda: customer.balance() == Decimal('100.00'))


def test_a_customers_bets_of_90_days_come_through_the_index(naive):
    plan = naive.plan("SELECT * FROM bets WHERE user_id = 'u' AND created_at >= "
                      "now() - make_interval(days => 90) ORDER BY created_at")
    assert 'idx_bets_user' in str(plan) and 'Sort' not in str(plan)
    plan = naive.plan("SELECT * FROM bets WHERE market_id = 'm' AND status = 'PLACED'")
    assert 'idx_bets_event_status' in str(plan)


def test_a_feed_with_bad_lines_loses_only_those(naive):
    market = naive.market('2.00')
    counted = naive.say(naive.image(market, '2.02'), {'op': 'market', 'market_id': market},
                        {'op': 'heartbeat'}, naive.image(market, '2.04'))
    assert (counted['messages'], counted['malformed'], counted['market_changes']) == (4, 1, 2)
    assert naive.shown(market)['odds_version'] == 3


def test_what_an_operator_watches_is_shown(naive):
    metrics = naive.server.metrics()
    for name in ('overround_naive_polls_total', 'overround_naive_pool_used_ratio',
                 'overround_naive_pool_waiting', 'overround_naive_settlement_left',
                 'overround_bet_acceptance_seconds_count', 'overround_naive_poll_seconds_count',
                 'overround_settlement_seconds_count', 'overround_naive_balances_total'):
        assert name in metrics
    assert metrics['overround_naive_polls_total'] > 0


def test_so_many_bets_a_minute_and_an_orderly_end(tmp_path, naive):
    server = NaiveServer(tmp_path / 'data', *naive.options[:4]).start()
    market = naive.market()
    try:
        customer = Customer(type('Book', (), {'server': server, 'shown': naive.shown}))
        answers = [customer.bet(market, stake='1.00') for _ in range(11)]
        assert [a.status for a in answers] == [201] * 10 + [429]
        assert answers[10].code == 'RATE_LIMITED' and int(answers[10].headers['retry-after']) > 0
        assert server.terminate() == 0
    finally:
        server.kill()
