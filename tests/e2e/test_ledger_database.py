"""A ledger that stands in PostgreSQL: what was acknowledged is in its table, once, whatever dies;
the files are a copy that can be lost; and of two writers one writes."""
import os
import shutil
import signal
from decimal import Decimal

import pytest
from conftest import make
from lib.drills import Clock, say
from lib.load import Load
from lib.server import run
from lib.until import until

COPY = ('ledger', 'tree', 'verdicts')
RECORDS = 'SELECT coalesce(max(seq_last), 0) FROM ledger'


@pytest.fixture
def kept(database, tmp_path):
    """A server whose ledger stands in the database."""
    made = make(tmp_path / 'data', ['--ledger', database.url])
    yield made
    made.close()


def lose_copy(server):
    for name in COPY:
        shutil.rmtree(os.path.join(server.data, name))


def again(book, load):
    book.feed.again()
    for customer in load.customers:
        customer.reconnect()


def more(load, count=50):
    before = len(load.acknowledged)
    until(lambda: len(load.acknowledged) > before + count, 60)


def check_table(book, database, load):
    """What was acknowledged is in the table, once: a book that has ended begins again from it,
    without its copy, and knows every bet."""
    assert 'all invariants hold' in run('ledger', 'verify', '--ledger', database.url).stdout
    lose_copy(book.server)
    book.server.start()
    load.check()


def test_every_batch_is_in_the_table_and_the_copy_proves_it(kept, database):
    market = kept.market()
    load = Load(kept, market, customers=4)
    join = load.start(0)
    more(load)
    join()
    load.check()
    assert kept.server.terminate() == 0
    assert 'all invariants hold' in kept.server.verify()
    stat = run('ledger', 'stat', '--data', kept.server.data).stdout
    assert str(database.number(RECORDS)) in stat.split(), stat
    dense = database.number('SELECT count(*) FROM (SELECT seq_first - lag(seq_last, 1, 0) OVER '
                            '(ORDER BY batch_no) AS step FROM ledger) AS s WHERE step <> 1')
    assert dense == 0


def test_a_lost_copy_is_made_again_from_the_table(kept):
    market = kept.market()
    load = Load(kept, market, customers=2)
    join = load.start(0)
    more(load)
    kept.server.kill()
    join()
    lose_copy(kept.server)
    kept.server.start()
    again(kept, load)
    load.retry_unanswered()
    load.check()
    assert 'the files are its copy' in kept.server.log_text()
    join = load.start(1)
    more(load)
    join()
    load.check()
    assert kept.server.terminate() == 0
    assert 'all invariants hold' in kept.server.verify()


def test_a_killed_server_loses_and_doubles_nothing(kept):
    market = kept.market()
    load = Load(kept, market, customers=4)
    for number in range(3):
        join = load.start(number)
        more(load)
        kept.server.kill()
        join()
        kept.server.start()
        again(kept, load)
        load.retry_unanswered()
        load.check()


@pytest.mark.parametrize('sign', [signal.SIGINT, signal.SIGQUIT])
def test_a_database_that_goes_is_waited_for_and_loses_nothing(kept, database, sign):
    market = kept.market()
    load, probe = Load(kept, market, customers=4), kept.bettor(money='100.00')
    join = load.start(0)
    more(load)
    database.end(sign)
    until(lambda: kept.server.metric('overround_database_away') == 1)
    with kept.server.websocket() as socket:  # prices go on
        socket.subscribe(f'market:{market}')
        socket.wait_for(op='snapshot')
        kept.feed.price(market, 11, 2.5)
        socket.wait_for(op='delta')
    until(lambda: probe.bet(market, 12, '1').status == 503)
    begun = Clock()
    database.start()
    answers = Clock()
    until(lambda: probe.bet(market, 12, '1').status == 201)
    say(f'PostgreSQL ended by {sign.name}: bets are taken {begun} after its start, {answers} after '
        'it answers')
    more(load)
    join()
    load.retry_unanswered()
    load.check()
    assert kept.server.metric('overround_database_away') == 0
    assert kept.server.terminate() == 0
    assert 'all invariants hold' in kept.server.verify()
    assert kept.server.log_text().count('its database answers again') == 1
    check_table(kept, database, load)


def test_of_two_writers_the_newer_one_writes(kept, database, tmp_path):
    market = kept.market()
    customer = kept.bettor(money='100.00')
    assert customer.bet(market, 11, '1').status == 201
    shutil.copytree(os.path.join(kept.server.data, 'keys'), tmp_path / 'other' / 'keys')
    other = make(tmp_path / 'other', ['--ledger', database.url])
    try:
        until(lambda: customer.bet(market, 11, '1').status == 503)
        assert kept.server.get(f'/v1/odds/{market}').status == 200
        with other.server.http() as http:
            answer = http.request('GET', '/v1/account', token=customer.token)
        assert answer.json['balance'] == Decimal('99.00')
        newer = other.bettor(money='7.00')
    finally:
        other.close()
    kept.server.restart()  # it folds what the other wrote
    with kept.server.http() as http:
        assert http.request('GET', '/v1/account', token=newer.token).json['balance'] == 7


def test_a_book_on_another_machine_shows_higher_versions(kept, database, tmp_path):
    """It has no odds log of before, and clients have seen its predecessor's prices (P1)."""
    market = kept.market()
    for _ in range(2):
        kept.server.restart()
        kept.feed.again()
    before = kept.server.get(f'/v1/odds/{market}').json['odds_version']
    shutil.copytree(os.path.join(kept.server.data, 'keys'), tmp_path / 'other' / 'keys')
    kept.server.kill()
    other = make(tmp_path / 'other', ['--ledger', database.url])
    try:
        other.feed.market(market, {11: 2.5, 12: 3.5, 13: 4.2})
        after = other.server.get(f'/v1/odds/{market}').json['odds_version']
        assert after >> 32 > before >> 32, (before, after)
    finally:
        other.close()


def test_prices_of_two_machines_are_proved_by_the_odds_logs_of_both(kept, database, tmp_path):
    """Each has one of its own, whose positions begin anew."""
    for _ in range(5):
        market = kept.market()
    assert kept.bettor(money='9.00').bet(market, 11, '1').status == 201
    shutil.copytree(os.path.join(kept.server.data, 'keys'), tmp_path / 'other' / 'keys')
    assert kept.server.terminate() == 0
    other = make(tmp_path / 'other', ['--ledger', database.url])
    try:
        assert other.bettor(money='9.00').bet(other.market(), 11, '1').status == 201
        assert other.server.terminate() == 0
    finally:
        other.close()
    table, files = ('--ledger', database.url), ('--data', other.server.data)
    both = ('--odds-of', kept.server.data, '--odds-of', other.server.data)
    for source in (table, files):
        told = run('ledger', 'verify', *source, *both).stdout
        assert 'legs_checked 2\n' in told and 'legs_unlogged 0\n' in told, told
    alone = run('ledger', 'verify', *table, '--odds-of', kept.server.data, check=False)
    assert alone.returncode == 3 and 'L6' in alone.stderr, alone.stderr
    told = run('ledger', 'verify', *table, '--odds-of', other.server.data).stdout
    assert 'legs_checked 1\n' in told and 'legs_unlogged 1\n' in told, told
    many = ' '.join([kept.server.data] * 17)
    done = run('ledger', 'verify', *table, '--odds-of', many, check=False)
    assert done.returncode == 2 and '16 folders' in done.stderr, done.stderr


def test_files_of_another_ledger_are_refused(kept, database, tmp_path):
    assert kept.server.terminate() == 0
    other = make(tmp_path / 'other')
    other.bettor(money='5.00')
    other.close()
    other.server.options += ['--ledger', database.url]
    before = database.number(RECORDS)
    other.server.spawn()
    assert other.server.process.wait(60) not in (0, None)
    assert 'the ledger\'s database' in other.server.log_text()
    assert database.number(RECORDS) == before


def test_a_database_that_is_not_there_is_said(tmp_path):
    done = run('serve', '--data', str(tmp_path / 'data'), '--ledger',
               f'postgresql:///postgres?host={tmp_path}&user=postgres', check=False)
    assert done.returncode != 0 and "the ledger's database" in done.stderr, done.stderr
    done = run('serve', '--data', str(tmp_path / 'data'), '--ledger', 'mysql://x', check=False)
    assert done.returncode == 2 and '--ledger' in done.stderr, done.stderr


def told(*arguments):
    """Lines of a command, without those that tell of files only."""
    lines = run('ledger', *arguments).stdout.splitlines()
    return [line for line in lines if not line.startswith('segments')]


def test_the_table_alone_tells_what_the_files_tell(kept, database):
    market = kept.market()
    customer = kept.bettor(money='100.00')
    for _ in range(5):
        assert customer.bet(market, 11, '1').status == 201
    kept.feed.settle(market, [11])
    until(lambda: customer.bets()[0]['status'] == 'WON')
    assert kept.server.terminate() == 0
    files, table = ('--data', kept.server.data), ('--ledger', database.url)
    for command in ('stat', 'dump', 'replay'):
        assert told(command, *table) == told(command, *files)
    verified = run('ledger', 'verify', *table)
    assert 'all invariants hold' in verified.stdout and 'not looked up' in verified.stderr
    state = [line for line in told('verify', *files) if line.startswith('state ')]
    assert state == [line for line in verified.stdout.splitlines() if line.startswith('state ')]
    for refused in (['prove', '--bet', '1'], ['head'], ['replay', '--fast', 'yes']):
        done = run('ledger', *refused, *table, check=False)
        assert done.returncode == 2 and '--data' in done.stderr, done.stderr
    database.psql('SET session_replication_role = replica; UPDATE ledger SET records = '
                  'set_byte(records, 60, 255 - get_byte(records, 60)) WHERE batch_no = 3')
    done = run('ledger', 'verify', *table, check=False)
    assert done.returncode == 3 and 'sum' in done.stderr, done.stderr


GRANTS = ('GRANT USAGE ON SCHEMA public TO book; GRANT SELECT, INSERT ON ledger TO book;'
          'GRANT SELECT ON ledger_schema TO book')
KEYS_GRANTS = ('GRANT SELECT, INSERT, UPDATE ON ledger_keys TO book;'
               'GRANT SELECT ON personal_schema TO book')


def addresses(database, book, user):
    told = run('ledger', 'personal', '--ledger', database.url, '--data', book.server.data,
               '--user', user).stdout
    return told.count('"address":"127.0.0.1"')


def test_keys_of_personal_fields_need_their_table_or_a_word(kept, database):
    market = kept.market()
    ann = kept.bettor(name='ann', money='100.00')
    assert ann.bet(market, 11, '1').status == 201
    assert kept.server.terminate() == 0
    database.psql('DROP TABLE ledger_keys, personal_schema;'
                  'DROP FUNCTION ledger_keys_only_rise; CREATE ROLE book LOGIN')
    try:
        database.psql(GRANTS)
        kept.server.options[-1] = database.url.replace('user=postgres', 'user=book')
        kept.server.spawn()  # as of a version that knew nothing of them
        assert kept.server.process.wait(60) == 1
        assert 'the keys of personal fields: ' in kept.server.log_text()
        kept.server.options += ['--personal-keys', 'files']
        kept.server.start()
        kept.feed.again()
        ann.reconnect()
        assert ann.bet(market, 11, '1').status == 201
        assert kept.server.terminate() == 0
        del kept.server.options[-2:]
        kept.server.options[-1] = database.url  # whoever may make it
        kept.server.start()
        assert kept.server.terminate() == 0
        database.psql(KEYS_GRANTS)
        kept.server.options[-1] = database.url.replace('user=postgres', 'user=book')
        kept.server.start()
        kept.feed.again()
        ann.reconnect()
        assert ann.bet(market, 11, '1').status == 201
        assert kept.server.terminate() == 0
        assert addresses(database, kept, 'ann') == 3  # the file's keys were brought
    finally:
        database.psql('DROP OWNED BY book; DROP ROLE book')


def test_new_accounts_have_keys_while_the_database_comes_and_goes(kept, database):
    market = kept.market()
    assert kept.bettor(name='before', money='5.00').bet(market, 11, '1').status == 201
    database.end(signal.SIGQUIT)
    until(lambda: kept.server.metric('overround_personal_away') == 1)
    database.start()
    until(lambda: kept.server.metric('overround_personal_away') == 0)
    until(lambda: kept.server.get('/readyz').status == 200)
    assert kept.bettor(name='after', money='5.00').bet(market, 11, '1').status == 201
    assert kept.server.metric('overround_personal_unready_total') == 0
    assert kept.server.terminate() == 0
    assert addresses(database, kept, 'before') == addresses(database, kept, 'after') == 1


def test_a_folder_with_another_master_key_is_refused(kept, database):
    assert kept.bettor(name='ann', money='5.00').bet(kept.market(), 11, '1').status == 201
    assert kept.server.terminate() == 0
    keys = os.path.join(kept.server.data, 'keys')
    master = os.path.join(keys, 'personal-master.key')
    os.rename(master, master + '.kept')
    os.remove(os.path.join(keys, 'personal.keys'))
    kept.server.spawn()
    assert kept.server.process.wait(60) == 2
    assert 'another master key' in kept.server.log_text()
    os.rename(master + '.kept', master)
    os.remove(os.path.join(keys, 'personal.keys'))  # wrapped by the wrong one
    kept.server.start()
    assert kept.server.terminate() == 0
    assert addresses(database, kept, 'ann') == 1
