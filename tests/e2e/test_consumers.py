"""The roles that follow `bet-events`: what customers are told and what is added up is what the
ledger says, whichever members of a group are killed or restarted when, and whatever the webhook
answers."""
import json
import os
import tempfile

import pytest
from conftest import make
from lib.bet_totals import again, bets, notified, settle_all, stop_and_dump, totals_of
from lib.kafka import Kafka
from lib.load import Load
from lib.ports import free_port
from lib.server import run
from lib.until import until


# Who ends in order leaves its group at once: no member is to be missed for a pause of the machine.
PATIENT = '--stream-session-ms', 60000


@pytest.fixture(scope='module')
def kafka():
    made = Kafka(tempfile.mkdtemp(prefix='overround-kafka-', dir='/tmp')).start()
    yield made
    made.close()


@pytest.fixture(scope='module')
def told(kafka, tmp_path_factory):
    """A server whose events are told; the tests of this file share it, and its topics."""
    made = make(tmp_path_factory.mktemp('told') / 'data',
                ['--streams', kafka.url, '--streams-create', '1'])
    until(lambda: made.server.metric('overround_stream_away') == 0, 60)
    yield made
    made.close()


def test_members_that_are_killed_by_turns_count_and_tell_all(told, kafka, members, receiver, secret,
                                                             tmp_path):
    """Two members of each group, one or the other killed while bets go on and are settled."""
    totals = tmp_path / 'totals'
    webhook = ('--notify-webhook', receiver.url, '--notify-secret', secret)
    counting = [members('analytics-service', kafka.url, 'totals', '--totals', totals)
                for _ in range(2)]
    telling = [members('notification-service', kafka.url, 'notices', *webhook) for _ in range(2)]
    for number in range(2):
        market = told.market()
        load = Load(told, market, customers=4)
        bets(told, load, number)
        told.feed.settle(market, [11])
        for group in (counting, telling):
            group[number % 2].kill()
            group[number % 2].start()
    wanted, notices = stop_and_dump(told)
    until(lambda: os.path.isdir(totals) and totals_of(totals) == wanted, 90, 0.2)
    notified(receiver, notices)
    for one in counting + telling:
        assert one.terminate() == 0
    storm(kafka, members, totals, wanted)


def storm(kafka, members, totals, wanted):
    """Everything is delivered once more, and nothing is counted again."""
    kafka.foreign('consumer.group.ConsumerGroupCommand', '--group', 'totals', '--topic',
                  'bet-events', '--reset-offsets', '--to-earliest', '--execute')
    member = members('analytics-service', kafka.url, 'totals', '--totals', totals)
    until(lambda: member.metric('overround_totals_repeats_total') > 0, 60)
    until(lambda: member.metric('overround_consumer_lag_events') == 0, 60)
    assert member.metric('overround_totals_events_total') == 0
    assert totals_of(totals) == wanted
    assert member.terminate() == 0


def test_a_rolling_restart_tells_each_settlement_once(told, kafka, members, receiver, secret):
    """Members are ended and started one by one, and the book as well, while bets are settled:
    nothing waits for them, nothing is left out, and next to nothing comes twice."""
    webhook = ('--notify-webhook', receiver.url, '--notify-secret', secret, *PATIENT)
    until_all = stop_and_dump(told)[1]  # what was settled before this test
    group = [members('notification-service', kafka.url, 'rolling', *webhook) for _ in range(2)]
    notified(receiver, until_all)
    for number in range(2):
        market = told.market()
        load = Load(told, market, customers=4)
        bets(told, load, number)
        settle_all(told, market, load)
        victim = group[number % 2]
        until(lambda v=victim: v.metric('overround_consumer_lag_events') == 0, 60)
        assert victim.terminate() == 0
        if number == 1:
            assert told.server.terminate() == 0
            told.server.start()
            again(told)
        victim.start()
        until(victim.is_ready, 60)
    notices = stop_and_dump(told)[1]
    repeats = notified(receiver, notices)
    assert repeats <= len(notices) // 10, 'members that end in order leave next to nothing'
    for one in group:
        assert one.terminate() == 0


def test_a_webhook_that_fails_is_tried_again_and_then_given_up(told, kafka, members, receiver,
                                                               secret):
    before = stop_and_dump(told)[1]
    member = members('notification-service', kafka.url, 'failing', '--notify-webhook', receiver.url,
                     '--notify-secret', secret, '--notify-tries', 3, *PATIENT)
    notified(receiver, before)
    market = told.market()
    customer = told.bettor(money='100.00')
    bet = customer.bet(market, 11, '5').json['bet_id']
    receiver.answers = [503, None]
    told.feed.settle(market, [11])
    customer.wait_bet(bet, status='WON')
    until(lambda: any(notice['bet_id'] == bet for notice in list(receiver.taken)), 60)
    assert [notice['bet_id'] for notice in receiver.refused] == [bet, bet]
    assert member.metric('overround_notice_tries_total') == len(receiver.seqs()) + 2
    receiver.answers = [500, 500, 500, 410]
    markets = [told.market() for _ in range(2)]
    lost = []
    for market in markets:
        lost.append(customer.bet(market, 11, '5').json['bet_id'])
        told.feed.settle(market, [11])
        customer.wait_bet(lost[-1], status='WON')
        until(lambda: member.metric('overround_notices_total', 'dead') == len(lost), 60)
    with open(os.path.join(member.folder, 'dead-letters'), encoding='utf-8') as file:
        letters = [json.loads(line) for line in file]
    assert [letter['notice']['bet_id'] for letter in letters] == lost
    assert [(letter['tries'], letter['status']) for letter in letters] == [(3, 500), (1, 410)]
    assert [letter['id'] for letter in letters] == [letter['notice']['seq'] for letter in letters]
    until(lambda: member.metric('overround_notices_held') == 0)
    until(lambda: member.metric('overround_consumer_lag_events') == 0, 60)
    assert member.terminate() == 0
    assert 'whsec' not in member.log_text() and 'of=test' not in member.log_text()


def test_a_consumer_is_not_ready_while_the_brokers_are_away(told, kafka, members, receiver, secret):
    member = members('notification-service', kafka.url, 'away', '--notify-webhook', receiver.url,
                     '--notify-secret', secret)
    until(member.is_ready, 60)
    kafka.end(0)
    until(lambda: not member.is_ready(), 60)
    assert member.get('/healthz').status == 200
    assert member.metric('overround_consumer_away') == 1
    market = told.market()
    customer = told.bettor(money='100.00')
    bet = customer.bet(market, 11, '5').json['bet_id']
    told.feed.settle(market, [11])
    customer.wait_bet(bet, status='WON')  # settlement asks no stream
    kafka.start()
    until(member.is_ready, 60)
    until(lambda: any(notice['bet_id'] == bet for notice in list(receiver.taken)), 90)
    assert member.terminate() == 0


def test_a_consumer_begins_without_a_broker(members, receiver, secret):
    member = members('notification-service', f'kafka://127.0.0.1:{free_port()}', 'g',
                     '--notify-webhook', receiver.url, '--notify-secret', secret)
    assert member.get('/readyz').status == 503 and member.get('/healthz').status == 200
    assert member.get('/v1/odds/1').status == 404
    assert member.terminate() == 0


@pytest.mark.parametrize('options,said', [
    ((), 'one of them'),
    (('--streams', 'kafka://127.0.0.1:1'), '--notify-webhook is where notices go'),
    (('--streams', 'kafka://127.0.0.1:1', '--notify-webhook', 'http://127.0.0.1:1/',
      '--notify-secret', '/nowhere'), '/nowhere is not there'),
])
def test_a_consumer_that_cannot_work_says_why(tmp_path, options, said):
    done = run('serve', '--roles', 'notification-service', '--data', tmp_path / 'data', '--admin',
               '127.0.0.1:0', *options, check=False)
    assert done.returncode == 2 and said in done.stderr
