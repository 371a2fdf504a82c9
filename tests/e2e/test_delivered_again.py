"""A storm of deliveries that had come before, while customers bet: each bet and each message of the
feed is sent twice, results again and again; what the stream has is written into it twice more; and
both groups that follow it, of two members each, begin again at its begin. Nothing is placed, paid
or counted again; members that go on tell nothing again, and those that began again tell each
notice under the id that it had. Counters say that all of it came."""
import json
import tempfile
import time
from collections import Counter
from decimal import Decimal

import pytest
from conftest import make
from lib.bet_totals import stop_and_dump, totals_of
from lib.drills import SECONDS, Clock, say
from lib.feed import Feed
from lib.kafka import Kafka
from lib.load import Load
from lib.server import run
from lib.until import until

EVENTS_LEAST = 6
COPIES = 2
PAUSE_SECONDS = 0.05  # of a customer between two bets
SESSION = ('--stream-session-ms', 30000)  # so that who stands still for a while keeps its share
LAG_MAX = 50  # events of the bets that go on
NOTICE = '"type":"settled"'
TOPIC = ('--topic', 'bet-events')


class TwiceFeed(Feed):
    """Says everything twice, as it was."""

    def post(self, text):
        super().post(text)
        return super().post(text)


class TwiceLoad(Load):
    """Customers who send each bet twice, of any of the `markets`."""

    def __init__(self, book, markets, customers):
        super().__init__(book, markets[0], customers)
        self.markets, self.turn, self.replayed = markets, 0, 0

    def slip(self, stake):
        self.turn += 1
        return {**super().slip(stake), 'market_id': self.markets[self.turn % len(self.markets)]}

    def one(self, customer, key, http):
        time.sleep(PAUSE_SECONDS)
        first = super().one(customer, key, http)
        again = super().one(customer, key, http)  # which holds the answers together
        if (first, again) == (201, 200):
            with self.lock:
                self.replayed += 1
        return again


@pytest.fixture
def kafka():
    made = Kafka(tempfile.mkdtemp(prefix='overround-kafka-', dir='/tmp')).start()
    yield made
    made.close()


@pytest.fixture
def told(kafka, tmp_path):
    made = make(tmp_path / 'data', ['--streams', kafka.url, '--streams-create', '1'])
    made.feed.close()
    made.heard = made.server.metric('overround_feed_messages_total')
    made.feed = TwiceFeed(made.server)
    until(lambda: made.server.metric('overround_stream_away') == 0, 60)
    yield made
    made.close()


class Storm:
    """A book, two members of each group, customers, and what comes again."""

    def __init__(self, told, kafka, members, receiver, secret, folder):
        self.told, self.kafka, self.receiver, self.totals = told, kafka, receiver, folder / 'totals'
        self.events = self.ended = 0
        self.markets = [self.market() for _ in range(EVENTS_LEAST)]
        self.load = TwiceLoad(told, self.markets, 4)
        webhook = ('--notify-webhook', receiver.url, '--notify-secret', secret)
        self.counting = [members('analytics-service', kafka.url, 'totals', '--totals', self.totals,
                                 *SESSION) for _ in range(2)]
        self.telling = [members('notification-service', kafka.url, 'notices', *webhook,
                                *SESSION) for _ in range(2)]
        self.members = self.counting + self.telling

    def market(self):
        self.events += 1
        return self.told.market(event=f'storm-{self.events}')

    def share(self):
        """Until each member has read of the bets, of further events where it must be."""
        def all_have():
            if all(one.metric('overround_consumer_events_total') > 0 for one in self.members):
                return True
            self.markets.append(self.market())
            return False
        until(all_have, 120, 2)

    def settle(self):
        """All markets, and others in their place. Some results come again, and so do prices."""
        ended, self.markets[:] = self.markets[:], [self.market() for _ in self.markets]
        for market in ended:
            self.told.feed.settle(market, [11])
        self.ended += len(ended)
        self.load_goes_on()
        for market in ended[:3]:
            self.told.feed.settle(market, [11])
        self.told.feed.again()

    def settle_rest(self):
        for market in self.markets:
            self.told.feed.settle(market, [11])
        self.ended += len(self.markets)

    def load_goes_on(self, count=40):
        before = len(self.load.acknowledged)
        until(lambda: len(self.load.acknowledged) > before + count)

    @staticmethod
    def counted(members, name):
        return sum(int(one.metric(f'overround_{name}')) for one in members)

    def repeats(self):
        """Events that each group has passed over, since its members began."""
        return (self.counted(self.counting, 'totals_repeats_total'),
                self.counted(self.telling, 'notice_repeats_total'))

    def wait_repeats(self, wanted):
        until(lambda: all(now >= least for now, least in zip(self.repeats(), wanted)), 120, 0.2)

    def read(self):
        """As many messages as the topic has by now, as they stand there; None: without a notice."""
        count = int(self.told.server.metric('overround_stream_events_total', topic='bet-events'))
        read = self.kafka.foreign('consumer.ConsoleConsumer', *TOPIC, '--from-beginning',
                                  '--max-messages', str(count), '--isolation-level',
                                  'read_committed', '--property', 'print.key=true', '--property',
                                  'print.headers=true')
        assert read.count('\n') == count
        return read if NOTICE in read else None

    def write_again(self):
        """What the topic has by now, some times more. How many events, and notices, that is."""
        read = until(self.read, 120)
        came = [COPIES * read.count(word) for word in ('\n', NOTICE)]
        wanted = [before + more for before, more in zip(self.repeats(), came)]
        begun = Clock()
        self.kafka.foreign('ConsoleProducer', *TOPIC, '--property', 'parse.key=true',
                           '--property', 'parse.headers=true', said=read * COPIES)
        self.wait_repeats(wanted)
        say(f'{came[0]} events written again, {came[1]} of them with a notice: both groups had '
            f'passed over them {begun} after the first was sent')
        return came

    def rewind(self, came):
        """Both groups begin at the begin, where all that came again is as well."""
        for one in self.members:
            assert one.terminate() == 0
        for group in ('totals', 'notices'):
            self.kafka.foreign('consumer.group.ConsumerGroupCommand', '--group', group, *TOPIC,
                               '--reset-offsets', '--to-earliest', '--execute')
        begun = Clock()
        for one in self.members:
            one.start()
        self.wait_repeats(came)
        say(f'both groups began again: they had passed over all of it after {begun}')
        until(lambda: self.counted(self.members, 'consumer_lag_events') < LAG_MAX, 120, 0.2)
        say(f'and had caught up after {begun}')


def records(server):
    return [json.loads(line, parse_float=Decimal)
            for line in run('ledger', 'dump', '--data', server.data).stdout.splitlines()]


def check_money(load):
    """Each bet won, once."""
    for customer in load.customers:
        mine = [a for (c, _), a in load.acknowledged.items() if c is customer]
        won = sum(Decimal(a['potential_return']) - Decimal(a['stake']) for a in mine)
        until(lambda c=customer, w=won: c.balance() == 100000 + w, 60)


def check_ledger(server, load):
    settled = Counter(r['bet_id'] for r in records(server) if r['type'] == 'SETTLE')
    assert settled == Counter(answer['bet_id'] for answer in load.acknowledged.values())
    assert not [r for r in records(server) if r['type'] == 'REVERSE']
    assert 'all invariants hold' in server.verify()


def check_counters(storm):
    """Repeats of bets and of results came, and were passed over."""
    server, load = storm.told.server, storm.load
    assert load.replayed > 0
    assert server.metric('overround_bets_replayed_total') >= load.replayed
    storm.told.feed.close()  # no heartbeat is on its way
    came = storm.told.heard + 2 * storm.told.feed.clock
    until(lambda: server.metric('overround_feed_messages_total') == came)
    say(f'{len(load.acknowledged)} bets, {load.replayed} of them answered once more; {came:.0f} '
        f'messages of the feed, {storm.ended} results')
    assert server.metric('overround_results_total') == storm.ended > 0


def check_told(storm):
    """Each bet has one notice of its end, whatever came how often; and is counted once."""
    wanted, notices = stop_and_dump(storm.told)
    until(lambda: totals_of(storm.totals) == wanted, 90, 0.2)
    until(lambda: set(storm.receiver.distinct()) >= notices, 90, 0.2)
    told = storm.receiver.distinct()
    assert set(told) == notices
    bets = Counter(notice['bet_id'] for notice in told.values())
    assert bets == Counter(answer['bet_id'] for answer in storm.load.acknowledged.values())


def test_nothing_that_comes_again_is_placed_paid_or_counted_again(told, kafka, members, receiver,
                                                                  secret, tmp_path):
    storm = Storm(told, kafka, members, receiver, secret, tmp_path)
    load = storm.load
    join = load.start(0)
    storm.share()
    for turn in range(1 + int(SECONDS / 10)):
        storm.settle()
        came = storm.write_again()
        if turn == 0:  # no share has moved, and nobody has forgotten
            assert len(receiver.seqs()) == len(receiver.distinct())
        storm.rewind(came)
        storm.settle()
    join()
    storm.settle_rest()
    check_money(load)
    check_counters(storm)
    check_told(storm)
    assert all(one.terminate() == 0 for one in storm.members)
    assert told.server.terminate() == 0
    check_ledger(told.server, load)
