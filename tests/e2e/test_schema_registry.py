"""A registry of schemas that others wrote (Apicurio) is asked by who writes topics and who reads
them: what fits is registered, what does not stops a topic and no bet, and one that is away stops
nothing."""
import json
import tempfile

import pytest
from conftest import make
from lib.kafka import Kafka
from lib.registry import Registry, schema
from lib.server import run
from lib.until import until

BETS, ODDS = 'bet-events-value', 'odds-updates-value'


@pytest.fixture(scope='module')
def kafka():
    made = Kafka(tempfile.mkdtemp(prefix='overround-kafka-', dir='/tmp')).start()
    yield made
    made.close()


@pytest.fixture(scope='module')
def registry():
    """It is started by the first test, which begins without it."""
    made = Registry(tempfile.mkdtemp(prefix='overround-registry-', dir='/tmp'))
    yield made
    made.close()


@pytest.fixture(scope='module')
def told(kafka, registry, tmp_path_factory):
    made = make(tmp_path_factory.mktemp('told') / 'data',
                ['--streams', kafka.url, '--streams-create', '1', '--schema-registry',
                 registry.url])
    yield made
    made.close()


def restart(told):
    assert told.server.terminate() == 0
    told.server.start()
    told.feed.again()


def lag(told, topic):
    return told.server.metric('overround_stream_lag_events', topic=topic)


def a_bet(told):
    """One is placed; its id."""
    answer = told.bettor(money='100.00').bet(told.market(), 11, '5')
    assert answer.status == 201, answer.body
    return answer.json['bet_id']


def message_of(kafka, bet_id):
    """(headers, value) as Kafka's own consumer prints the message about this bet."""
    printed = kafka.foreign('consumer.ConsoleConsumer', '--topic', 'bet-events',
                            '--from-beginning', '--timeout-ms', '5000', '--property',
                            'print.headers=true', '--isolation-level', 'read_committed')
    found = [line.split('\t', 1) for line in printed.splitlines() if bet_id in line]
    if not found:
        return None
    headers, value = found[0]
    return dict(part.split(':', 1) for part in headers.split(',')), json.loads(value)


def test_a_registry_that_is_away_holds_nobody_up(told, kafka, registry):
    """And when it comes, it is told what is written."""
    first = a_bet(told)
    until(lambda: told.server.metric('overround_schema_away') == 2, 60)
    until(lambda: told.server.metric('overround_stream_events_total', topic='bet-events') > 0, 60)
    headers, _ = until(lambda: message_of(kafka, first), 60)
    assert set(headers) == {'seq'}
    registry.start()
    until(lambda: told.server.metric('overround_schema_id', topic='bet-events') > 0 and
          told.server.metric('overround_schema_id', topic='odds-updates') > 0, 60)
    until(lambda: told.server.metric('overround_schema_away') == 0)
    assert registry.versions(BETS) == registry.versions(ODDS) == [1]
    second = a_bet(told)
    headers, value = until(lambda: message_of(kafka, second), 60)
    ident = told.server.metric('overround_schema_id', topic='bet-events')
    assert int(headers['schema-id']) == ident
    kept = registry.must('GET', f'/schemas/ids/{int(ident)}')
    assert kept['schemaType'] == 'JSON' and json.loads(kept['schema']) == schema('bet-events')
    assert value['bet_id'] == second


def test_a_start_registers_nothing_that_is_there(told, registry):
    restart(told)
    until(lambda: told.server.metric('overround_schema_id', topic='bet-events') > 0, 60)
    assert registry.versions(BETS) == [1]
    assert told.server.metric('overround_schema_refused') == 0


def without(member, topic):
    """The schema of the topic as it was before the member came."""
    old = schema(topic)
    del old['properties'][member]
    if member in old.get('required', ()):
        old['required'].remove(member)
    return old


def test_a_member_more_becomes_a_version(told, registry):
    """At the level that our rule is of: who has the old schema reads what is written now."""
    registry.only(ODDS, without('feed_timestamp', 'odds-updates'), 'FORWARD')
    restart(told)
    until(lambda: told.server.metric('overround_schema_id', topic='odds-updates') > 0, 60)
    assert registry.versions(ODDS) == [1, 2]


def contradicting(topic, member):
    other = schema(topic)
    other['properties'][member] = {'type': 'integer'}
    return other


def test_what_does_not_fit_is_not_written_and_bets_go_on(told, kafka, registry):
    registry.only(BETS, contradicting('bet-events', 'bet_id'), 'FULL')
    restart(told)
    until(lambda: told.server.metric('overround_schema_refused', topic='bet-events') == 1, 60)
    until(lambda: told.server.metric('overround_schema_id', topic='odds-updates') > 0, 60)
    until(lambda: told.server.metric('overround_stream_events_total', topic='odds-updates') > 0,
          60)
    bet = a_bet(told)
    assert told.server.metric('overround_schema_refused', topic='odds-updates') == 0
    assert told.server.metric('overround_stream_events_total', topic='bet-events') == 0
    until(lambda: 'the registry refuses the schema of a topic' in (log := told.server.log_text())
          and 'bet-events' in log)
    assert registry.versions(BETS) == [1]
    assert message_of(kafka, bet) is None
    registry.forget(BETS)  # somebody mends it: asked again, and nothing was lost
    until(lambda: told.server.metric('overround_schema_refused', topic='bet-events') == 0, 60)
    headers, _ = until(lambda: message_of(kafka, bet), 60)
    assert int(headers['schema-id']) > 0


def test_a_reader_that_does_not_fit_ends_and_says_so(told, kafka, registry, members, tmp_path):
    until(lambda: lag(told, 'bet-events') == 0, 60)
    member = members('analytics-service', kafka.url, 'fits', '--schema-registry', registry.url)
    until(lambda: member.metric('overround_totals_events_total') > 0, 60)
    assert member.metric('overround_schema_id') == told.server.metric('overround_schema_id',
                                                                      topic='bet-events')
    assert member.terminate() == 0
    registry.only(BETS, contradicting('bet-events', 'bet_id'), 'FULL')
    done = run('serve', '--roles', 'analytics-service', '--data', tmp_path / 'data', '--admin',
               '127.0.0.1:0', '--streams', kafka.url, '--stream-group', 'refused',
               '--schema-registry', registry.url, check=False)
    assert done.returncode == 2
    assert 'the registry of schemas says that bet-events cannot be read' in done.stderr
    assert registry.versions(BETS) == [1], 'who reads registers nothing'


@pytest.mark.parametrize('options,said', [
    (('--schema-registry', 'http://127.0.0.1:1'), 'goes with --streams'),
    (('--streams', 'kafka://127.0.0.1:1', '--schema-registry', 'ftp://127.0.0.1/'),
     'http:// or https://'),
    (('--streams', 'kafka://127.0.0.1:1', '--schema-registry', 'http://127.0.0.1:1',
      '--schema-registry-auth', '/nowhere'), '--schema-registry-auth is a file'),
])
def test_a_registry_that_cannot_be_asked_is_refused_at_the_start(tmp_path, options, said):
    done = run('serve', '--data', tmp_path / 'data', '--listen', '127.0.0.1:0', '--admin',
               '127.0.0.1:0', *options, check=False)
    assert done.returncode == 2 and said in done.stderr
