"""tools/check-events is shown schemas that grow, and some that break who reads the old form."""
import json
import os
import shutil
import subprocess

import pytest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', '..')


def check(tmp_path, change):
    folder = tmp_path / 'docs' / 'events'
    shutil.copytree(os.path.join(ROOT, 'docs', 'events'), folder)
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
    done = subprocess.run([os.path.join(ROOT, 'tools', 'check-events'), str(tmp_path)],
                          stdout=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1 and 'bet-events.json' in done.stdout
