"""tools/check-events is shown schemas that grow, and some that break who reads the old form; and
descriptions of topics that are not those that are written."""
import json
import os
import shutil
import subprocess

import pytest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', '..')


TOPICS = 'src/cli/consumers/log_source.h'
BESIDE = ('docs/events/topics.yaml', TOPICS, 'src/adapters/kafka/kafka_options.h')


def put_beside(tmp_path):
    for path in BESIDE:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(os.path.join(ROOT, path), tmp_path / path)


def check(tmp_path, change):
    folder = tmp_path / 'docs' / 'events'
    shutil.copytree(os.path.join(ROOT, 'docs', 'events'), folder)
    put_beside(tmp_path)
    path = folder / 'bet-events.json'
    schema = json.loads(path.read_text())
    change(schema)
    path.write_text(json.dumps(schema))
    return subprocess.run([os.path.join(ROOT, 'tools', 'check-events'), str(tmp_path)],
                          stdout=subprocess.PIPE, text=True, check=False)


def test_a_schema_may_grow(tmp_path):
    def grow(schema):
        schema['properties']['fee'] = {'type': 'number'}
        schema['properties']['type']['enum'].append('offered')
        schema['required'].append('fee')
    assert check(tmp_path, grow).returncode == 0


@pytest.mark.parametrize('change, word', [
    (lambda s: s['required'].remove('stake'), 'stake: was required'),
    (lambda s: s['properties'].pop('payout'), 'payout: is gone'),
    (lambda s: s['properties'].update(stake={'type': 'string'}), "stake: type was 'number'"),
    (lambda s: s['properties']['outcome']['enum'].remove('VOID'), "'VOID' was one of its words"),
    (lambda s: s['properties']['legs']['items']['required'].remove('odds'), 'odds: was required'),
    (lambda s: s['properties']['format'].update(const=2), 'format: const was 1'),
    (lambda s: s['allOf'][2]['then']['required'].remove('delta'), 'delta: was required'),
    (lambda s: s['allOf'].pop(), 'is gone'),
])
def test_what_breaks_a_reader_is_told(tmp_path, change, word):
    done = check(tmp_path, change)
    assert done.returncode == 1 and word in done.stdout


def test_a_schema_that_is_gone_is_told(tmp_path):
    folder = tmp_path / 'docs' / 'events'
    shutil.copytree(os.path.join(ROOT, 'docs', 'events', 'released'), folder / 'released')
    put_beside(tmp_path)
    done = subprocess.run([os.path.join(ROOT, 'tools', 'check-events'), str(tmp_path)],
                          stdout=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1 and 'bet-events.json' in done.stdout


@pytest.mark.parametrize('path, before, after, word', [
    ('docs/events/topics.yaml', 'partitions: 64', 'partitions: 32', 'as many parts'),
    ('docs/events/topics.yaml', 'retention.ms: 604800000', 'retention.ms: 1', 'kept for'),
    ('docs/events/topics.yaml', 'address: odds-updates', 'address: odds', 'its address'),
    ('docs/events/topics.yaml', 'odds-updates.json', 'bet-events.json',
     'its payload is docs/events/odds-updates.json'),
    (TOPICS, '"bet-events"', '"bets"', 'bets is written, and does not stand'),
    (TOPICS, '"bet-events"', '"bets"', 'bet-events is not written, but stands'),
])
def test_topics_that_are_not_as_they_are_written_are_told(tmp_path, path, before, after, word):
    shutil.copytree(os.path.join(ROOT, 'docs', 'events'), tmp_path / 'docs' / 'events')
    put_beside(tmp_path)
    text = (tmp_path / path).read_text(encoding='utf-8')
    assert before in text
    (tmp_path / path).write_text(text.replace(before, after), encoding='utf-8')
    done = subprocess.run([os.path.join(ROOT, 'tools', 'check-events'), str(tmp_path)],
                          stdout=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1 and word in done.stdout, done.stdout
