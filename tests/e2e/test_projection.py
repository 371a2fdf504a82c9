"""The tables that people query: filled by a projector that follows the log, each row exactly once,
whatever dies; never changed; and compared with the log, row by row."""
from decimal import Decimal

import pytest
from conftest import make
from lib.load import Load
from lib.projector import DAMAGED, Projector, verify, wait_projected
from lib.until import until

ALL_GOOD = 'the projection is what the ledger says'


@pytest.fixture
def kept(database, tmp_path):
    """A server whose ledger is in files, with its tables in the database."""
    made = make(tmp_path / 'data', ['--projection', database.url])
    yield made
    made.close()


@pytest.fixture
def stored(database, tmp_path):
    """A server whose ledger is in the database."""
    made = make(tmp_path / 'data', ['--ledger', database.url])
    yield made
    made.close()


@pytest.fixture
def projector(database, tmp_path):
    made = Projector(str(tmp_path), database.url)
    yield made
    made.kill()


def caught_up(server):
    until(lambda: server.metric('overround_projection_lag_events') == 0, 60)


def more(load, count=50):
    before = len(load.acknowledged)
    until(lambda: len(load.acknowledged) > before + count, 60)


def rows(database, text):
    return [line.split('|') for line in database.psql(text).stdout.splitlines()]


def test_a_bet_has_a_row_for_each_leg_and_record(kept, database):
    first, second = kept.market(), kept.market()
    customer = kept.bettor(money='100.00')
    single = customer.bet(first, 11, '10.00').json
    legs = [{'market_id': m, 'selection_id': '12', 'odds': Decimal('1.01')}
            for m in (first, second)]
    double = customer.place({'type': 'multiple', 'legs': legs, 'stake': Decimal('5.00'),
                             'currency': 'GBP'})
    kept.feed.settle(first, [11])
    customer.wait_bet(single['bet_id'], status='WON')
    caught_up(kept.server)
    told = 'SELECT record_no, leg_no, market_id, selection_id, odds, stake, status, result, payout'
    assert rows(database, f"{told} FROM bets WHERE bet_id = {single['bet_id']} "
                'ORDER BY record_no, leg_no') == [
        ['0', '1', first, '11', '1.95', '10.00', 'PLACED', '', ''],
        ['1', '1', first, '11', '1.95', '10.00', 'WON', 'WON', '19.50']]
    if double.status == 201:
        assert database.number(
            f"SELECT count(*) FROM bets_now WHERE bet_id = {double.json['bet_id']}") == 2
    assert rows(database, 'SELECT available, held, free_bets, bonus FROM balances_now WHERE '
                f"user_id = '{customer.name}'") == [
        [str(customer.balance()), '0.00', '0.00', '0.00']]
    assert kept.server.terminate() == 0
    assert ALL_GOOD in verify(database.url, '--data', kept.server.data).stdout


def test_all_bets_of_a_market_are_summed_by_the_index_on_its_event(kept, database):
    first, second = kept.market(event='9001'), kept.market(event='9002')
    customers = [kept.bettor(money='100.00') for _ in range(3)]
    for number, customer in enumerate(customers):
        assert customer.bet(first, 11, f'{number + 1}.00').status == 201
    assert customers[0].bet(second, 11, '50.00').status == 201
    kept.feed.settle(first, [11])
    until(lambda: customers[2].bets()[0]['status'] == 'WON')
    caught_up(kept.server)
    event = database.psql(f"SELECT min(event_id) FROM bets WHERE market_id = '{first}'").stdout
    now = ('SELECT DISTINCT ON (bet_id, leg_no) * FROM bets WHERE event_id = '
           f"'{event.strip()}' ORDER BY bet_id, leg_no, record_no DESC")
    summed = ('SELECT count(*), count(DISTINCT user_id), sum(stake), sum(payout) FROM '
              f"({now}) AS b WHERE market_id = '{first}'")
    assert rows(database, summed) == [['3', '3', '6.00', '11.70']]
    assert 'bets_by_event' in database.psql(f'SET enable_seqscan = off; EXPLAIN {summed}').stdout


def test_a_killed_server_writes_each_row_once(kept, database):
    market = kept.market()
    load = Load(kept, market, customers=4)
    for number in range(3):
        join = load.start(number)
        more(load)
        kept.server.kill()
        join()
        kept.server.start()
        kept.feed.again()
        load.retry_unanswered()
        load.check()
    caught_up(kept.server)
    assert kept.server.terminate() == 0
    assert ALL_GOOD in verify(database.url, '--data', kept.server.data).stdout
    assert database.number('SELECT count(*) FROM bets') >= len(load.acknowledged)


def test_a_killed_projector_goes_on_where_it_was(stored, database, projector):
    market = stored.market()
    load = Load(stored, market, customers=4)
    join = load.start(0)
    for _ in range(4):
        projector.start()
        until(lambda: projector.metric('overround_projection_steps_total') > 3, 60)
        projector.kill()
    projector.start()
    for _ in range(5):  # at any time
        more(load, 20)
        assert ALL_GOOD in verify(database.url, '--ledger', database.url).stdout
    join()
    stored.feed.settle(market, [11])
    wait_projected(database)
    assert ALL_GOOD in verify(database.url, '--ledger', database.url).stdout
    assert database.number('SELECT count(DISTINCT bet_id) FROM bets') == \
        database.number('SELECT count(*) FROM bets WHERE record_no = 0 AND leg_no = 1')
    until(lambda: projector.get('/readyz').status == 200)
    assert projector.terminate() == 0


def test_two_projectors_fill_the_tables_once(stored, database, projector, tmp_path):
    market = stored.market()
    load = Load(stored, market, customers=4)
    (tmp_path / 'other').mkdir()
    other = Projector(str(tmp_path / 'other'), database.url)
    join = load.start(0)
    try:
        projector.start()
        other.start()
        more(load, 200)
        join()
        wait_projected(database)
        assert ALL_GOOD in verify(database.url, '--ledger', database.url).stdout
    finally:
        other.kill()


def test_bets_go_on_while_the_tables_database_is_away(database, tmp_path):
    database.end()
    book = make(tmp_path / 'data', ['--projection', database.url])
    try:
        market = book.market()
        customer = book.bettor(money='100.00')
        assert customer.bet(market, 11, '1').status == 201
        until(lambda: book.server.metric('overround_projection_lag_events') > 0)
        database.start()
        caught_up(book.server)
        database.end()
        assert customer.bet(market, 11, '1').status == 201
        until(lambda: book.server.metric('overround_projection_lag_seconds') > 0)
        database.start()
        caught_up(book.server)
        assert book.server.terminate() == 0
        assert ALL_GOOD in verify(database.url, '--data', book.server.data).stdout
    finally:
        if not database.answers():
            database.start()
        book.close()


ANY_BET = '(SELECT min(ctid) FROM bets)'
CHANGES = [
    f'UPDATE bets SET stake = stake + 1 WHERE ctid = {ANY_BET}',
    f"UPDATE bets SET status = 'LOST' WHERE ctid = {ANY_BET}",
    f"UPDATE bets SET created_at = created_at + interval '1 microsecond' WHERE ctid = {ANY_BET}",
    f"UPDATE bets SET user_id = user_id || 'x' WHERE ctid = {ANY_BET}",
    f'UPDATE bets SET odds = 2.0 WHERE ctid = {ANY_BET}',
    f'DELETE FROM bets WHERE ctid = {ANY_BET}',
    'INSERT INTO bets SELECT bet_id, 77, leg_no, user_id, event_id, market_id, selection_id, odds,'
    ' odds_exact, stake, currency, status, result, payout, cashed_out, created_at, settled_at,'
    f' shard, seq, record, recorded_at FROM bets WHERE ctid = {ANY_BET}',
    'UPDATE balances SET available = available + 1 WHERE ctid = (SELECT min(ctid) FROM balances)',
    'DELETE FROM balances WHERE ctid = (SELECT min(ctid) FROM balances)',
    'DELETE FROM balances WHERE ctid = (SELECT max(ctid) FROM balances)',
    'INSERT INTO balances SELECT shard, account, seq + 1000000, user_id, currency, available, held,'
    ' free_bets, bonus, recorded_at FROM balances LIMIT 1',
]


def test_whatever_a_superuser_changes_is_found(kept, database):
    market = kept.market()
    customer = kept.bettor(money='100.00')
    for _ in range(5):
        assert customer.bet(market, 11, '1').status == 201
        caught_up(kept.server)
    assert kept.server.terminate() == 0
    data = ('--data', kept.server.data)
    database.psql('CREATE TABLE kept_bets AS SELECT * FROM bets;'
                  'CREATE TABLE kept_balances AS SELECT * FROM balances')
    for change in CHANGES:
        if not change.startswith('INSERT'):
            assert 'insert only' in database.psql(change, check=False).stderr, change
        database.psql(f'SET session_replication_role = replica; {change}')
        found = verify(database.url, *data, check=False)
        assert found.returncode == DAMAGED, (change, found.stdout)
        assert 'table b' in found.stderr or 'rows that no projector wrote' in found.stderr
        database.psql('SET session_replication_role = replica; TRUNCATE bets, balances;'
                      'INSERT INTO bets SELECT * FROM kept_bets;'
                      'INSERT INTO balances SELECT * FROM kept_balances')
    assert ALL_GOOD in verify(database.url, *data).stdout


def test_its_user_may_insert_and_read_and_nothing_else(kept, database):
    caught_up(kept.server)
    database.psql('CREATE ROLE scribe LOGIN')
    try:
        database.psql('GRANT USAGE ON SCHEMA public TO scribe;'
                      'GRANT SELECT, INSERT ON bets, balances TO scribe;'
                      'GRANT SELECT ON projection, projection_schema TO scribe;'
                      'GRANT EXECUTE ON FUNCTION projection_move TO scribe')
        url = database.url.replace('user=postgres', 'user=scribe')
        kept.server.terminate()
        kept.server.options[-1] = url
        kept.server.start()
        kept.feed.again()
        customer = kept.bettor(money='100.00')
        assert customer.bet(kept.market(), 11, '1').status == 201
        caught_up(kept.server)
        assert database.number('SELECT count(*) FROM bets') == 1
        for change in ('UPDATE bets SET stake = 2', 'DELETE FROM balances',
                       'UPDATE projection SET seq = 0', 'TRUNCATE bets'):
            refused = database.psql(f'SET ROLE scribe; {change}', check=False)
            assert 'permission denied' in refused.stderr, change
        assert kept.server.terminate() == 0
        assert ALL_GOOD in verify(url, '--data', kept.server.data).stdout
    finally:
        database.psql('DROP OWNED BY scribe; DROP ROLE scribe')


def test_the_tables_of_another_ledger_are_left_alone(kept, database, tmp_path):
    kept.bettor(money='1.00')
    caught_up(kept.server)
    before = database.psql('SELECT * FROM projection').stdout
    other = make(tmp_path / 'other', ['--projection', database.url])
    try:
        for number in range(5):
            other.bettor(money=f'{number + 2}.00')
        until(lambda: other.server.metric('overround_projection_failed') == 1)
        assert 'the ledger is projected no more' in other.server.log_text()
        assert other.bettor(money='5.00').balance() == Decimal('5.00')
    finally:
        other.close()
    assert database.psql('SELECT * FROM projection').stdout == before


def test_what_it_needs_is_said(tmp_path, database):
    book = make(tmp_path / 'data')
    book.server.terminate()
    for options in (['--roles', 'projector'], ['--projection', 'mysql://x'],
                    ['--roles', 'projector', '--ledger', 'files']):
        book.server.options = options
        book.server.spawn()
        assert book.server.process.wait(30) == 2
    nothing = verify(database.url, '--data', book.server.data, check=False)
    assert nothing.returncode == 1 and 'projection' in nothing.stderr, nothing.stderr
