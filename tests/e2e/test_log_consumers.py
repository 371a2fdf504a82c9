"""Followers of a book's own logs, page by page over its admin listener, with no Kafka: what they
are told and add up is what the ledger says, through kills of them and of the book."""
import json
import os
from decimal import Decimal

import pytest
from conftest import make
from lib import odds_log
from lib.bet_totals import again, bets, notified, settle_all, stop_and_dump, totals_of
from lib.http import Http
from lib.kafka import check_value
from lib.load import Load
from lib.ports import free_port
from lib.server import run
from lib.until import until


@pytest.fixture(scope='module')
def told(tmp_path_factory):
    """A book at a port of its own, so that it is found again when it has begun anew."""
    made = make(tmp_path_factory.mktemp('told') / 'data', ['--snapshot-records', '50'],
                admin_at=f'127.0.0.1:{free_port()}')
    yield made
    made.close()


@pytest.fixture
def source(told, tmp_path):
    path = tmp_path / 'token'
    path.write_text(told.server.token('auditor-1', 'auditor'), encoding='ascii')
    path.chmod(0o600)
    host, port = told.server.admin
    return '--book', f'{host}:{port}', '--token', str(path)


def page(told, topic='bet-events', query='group=test', role='auditor'):
    return told.server.desk(f'/v1/admin/streams/{topic}?{query}', None, role, 'GET')


def pages(told, topic, group):
    """All events of a log, by small steps; checks each against its schema."""
    at, events = 'position=0', []
    while True:
        answer = page(told, topic, f'group={group}&{at}')
        assert answer.status == 200, answer.body
        lines = answer.body.decode().splitlines()
        for line in lines[:-1]:
            value = line[line.index('"value":') + len('"value":'):-1]
            assert check_value(topic, value) is None
            events.append(json.loads(line, parse_float=Decimal))
        end = json.loads(lines[-1])
        at = f"position={end['position']}&skip={end['skip']}"
        if not end['more']:
            return events, end


def test_members_that_are_killed_tell_and_count_all(told, source, members, receiver, secret,
                                                    tmp_path):
    """Two members of each group, of which one works at a time; the book is killed as well."""
    places = {role: tmp_path / f'{role}-places' for role in ('tell', 'count')}
    webhook = ('--notify-webhook', receiver.url, '--notify-secret', secret)
    telling = [members('notification-service', source, 'notices', '--data', places['tell'],
                       *webhook) for _ in range(2)]
    counting = [members('analytics-service', source, 'totals', '--data', places['count'])
                for _ in range(2)]
    for number in range(2):
        market = told.market()
        load = Load(told, market, customers=4)
        bets(told, load, number)
        told.feed.settle(market, [11])
        for group in (telling, counting):
            group[number % 2].kill()
            group[number % 2].start()
        if number == 1:
            told.server.kill()
            until(lambda: not all(one.is_ready() for one in telling), 60)
            told.server.start()
            again(told)
    wanted, notices = stop_and_dump(told)
    notified(receiver, notices)
    totals = places['count'] / 'totals'
    until(lambda: totals_of(totals) == wanted, 60, 0.2)
    for one in telling + counting:
        assert one.terminate() == 0
    before = len(receiver.seqs())
    one = members('notification-service', source, 'notices', '--data', places['tell'], *webhook)
    until(one.is_ready, 60)
    market = told.market()
    load = Load(told, market, customers=2)
    bets(told, load, 9, 20)
    settle_all(told, market, load)
    until(lambda: len(receiver.seqs()) >= before + len(load.acknowledged), 60)
    assert len(receiver.seqs()) == before + len(load.acknowledged), 'the place was kept'


def test_a_receiver_that_is_away_is_asked_seldom_and_then_told_all(told, source, members, receiver,
                                                                 secret):
    market = told.market()
    load = Load(told, market, customers=20)
    bets(told, load, 5)
    receiver.answers = [503] * 30
    member = members('notification-service', source, 'away', '--notify-webhook', receiver.url,
                     '--notify-secret', secret)
    settle_all(told, market, load)
    until(lambda: member.metric('overround_receiver_losses_total') == 1, 60)
    wanted = stop_and_dump(told)[1]
    notified(receiver, wanted)
    until(lambda: member.metric('overround_receiver_away') == 0)
    assert not receiver.answers and member.metric('overround_notices_total', 'dead') == 0
    assert member.metric('overround_receiver_losses_total') == 1
    assert member.terminate() == 0


def test_pages_say_what_the_logs_say(told):
    market = told.market()
    customer = told.bettor(money='100.00')
    bet = customer.bet(market, 11, '5').json['bet_id']
    for number in range(40):
        told.feed.price(market, 11, 2.0 + number % 7 / 10)
    told.feed.settle(market, [11])
    customer.wait_bet(bet, status='WON')
    until(lambda: [e['value']['type'] for e in pages(told, 'bet-events', 'all')[0]
                   if e['value']['bet_id'] == bet] == ['placed', 'settled'])
    events, end = pages(told, 'bet-events', 'all')
    assert len({(e['seq'], e['key']) for e in events}) == len(events)
    assert all(e['seq'] == f"0-{e['position']}" for e in events)
    assert [e['position'] for e in events] == sorted(e['position'] for e in events)
    assert told.server.terminate() == 0
    logged = {(ident, version) for ident, _, version in odds_log.changes(told.server.data)}
    told.server.start()
    again(told)
    until(lambda: logged <= {(e['key'], e['value']['odds_version'])
                             for e in pages(told, 'odds-updates', 'all')[0]})
    assert pages(told, 'bet-events', 'all')[1]['log'] == end['log']


def test_who_may_read_pages_and_what_is_none(told):
    assert page(told, role='trader').status == 403
    with Http(told.server.admin) as http:
        assert http.request('GET', '/v1/admin/streams/bet-events?group=a').status == 401
    assert page(told, topic='bets').status == 404
    for query in ('', 'group=', 'group=a&position=x', 'group=a&position=-1', 'group=a&skip=1.5',
                  'group=a&skip=99999999999', f"group={'g' * 100}"):
        assert page(told, query=query).json['code'] == 'MALFORMED_REQUEST', query
    ahead = page(told, query='group=a&position=999999999')
    assert (ahead.status, ahead.json['code']) == (409, 'STREAM_POSITION')


def test_so_many_groups_read_at_once_and_no_more(told):
    answers = [page(told, query=f'group=group-{n}') for n in range(8)]
    assert answers[-1].status == 503 and answers[-1].json['code'] == 'STREAM_BUSY'
    assert answers[-1].headers['retry-after'] == '1'
    assert told.server.metric('overround_stream_page_groups') == 4
    assert told.server.metric('overround_stream_pages_total', outcome='busy') >= 1


def test_another_books_log_is_not_read_on(told, source, members, receiver, secret, tmp_path):
    """The place in a short log is not taken for one in another book's, which is longer."""
    places = tmp_path / 'places'
    options = ('--data', places, '--notify-webhook', receiver.url, '--notify-secret', secret)
    other = make(tmp_path / 'other')
    try:
        assert other.bettor(money='5.00').bet(other.market(), 11, '1').status == 201
        token = tmp_path / 'other-token'
        token.write_text(other.server.token('auditor-1', 'auditor'), encoding='ascii')
        host, port = other.server.admin
        member = members('notification-service', ('--book', f'{host}:{port}', '--token', token),
                         'g', *options)
        until(lambda: os.path.exists(places / 'g.bet-events.place'), 60)
        assert member.terminate() == 0
    finally:
        other.close()
    told.server.restart()  # whoever read before makes room
    again(told)
    done = run('serve', '--roles', 'notification-service', *source, '--stream-group', 'g',
               '--admin', '127.0.0.1:0', *map(str, options), check=False)
    assert done.returncode == 3 and 'another book answers' in done.stderr, done.stderr


@pytest.mark.parametrize('options,said', [
    (('--book', 'nowhere'), '--book is HOST:PORT'),
    (('--book', '127.0.0.1:1', '--token', '/nowhere'), '--token is a file'),
    (('--book', '127.0.0.1:1', '--streams', 'kafka://127.0.0.1:1'), 'one of them'),
])
def test_a_follower_of_a_log_that_cannot_work_says_why(tmp_path, options, said):
    token = tmp_path / 'token'
    token.write_text('x', encoding='ascii')
    if '--token' not in options:
        options = (*options, '--token', token)
    done = run('serve', '--roles', 'analytics-service', '--data', tmp_path / 'data', '--admin',
               '127.0.0.1:0', *options, check=False)
    assert done.returncode == 2 and said in done.stderr, done.stderr
