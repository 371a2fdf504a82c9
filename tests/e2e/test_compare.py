"""`overround compare` in its short form: V0 and V1 play, are asked for what they take, and settle;
the page, the picture and the figures are there, and they are of what happened. And the command
itself: it becomes the script of the tree that it was built in, or says that there is none."""
import json
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest
from lib.server import BINARY, ENVIRONMENT, ROOT
from lib.until import until

CONTENDERS = ['naive', 'embedded', 'distributed']
POINTS = ['V0-7', 'V0-9', 'V0-22', 'V0-33', 'V0-35', 'V0-36', 'V0-42', 'V0-43', 'V0-44', 'V0-45',
          'V0-46', 'V0-51']


def compare(*words, program=BINARY, seconds=900, **environment):
    return subprocess.run([program, 'compare', *words], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=seconds, env={**ENVIRONMENT, **environment}, check=False)


def below(pid):
    """Its children, and theirs."""
    try:
        with open(f'/proc/{pid}/task/{pid}/children', encoding='ascii') as file:
            children = [int(word) for word in file.read().split()]
    except OSError:
        return []
    return children + [one for child in children for one in below(child)]


@pytest.fixture(scope='module')
def run(tmp_path_factory):
    """The folder that it wrote, stdout, and what compare.json holds."""
    folder = tmp_path_factory.mktemp('compare')
    done = compare('--quick', '--out', str(folder / 'out'), '--markdown',
                   str(folder / 'docs' / 'PAGE.md'), '--vcpu-hour-usd', '0.5')
    if 'is not installed' in done.stderr:
        pytest.skip("no Java, no Maven, or Kafka's jars are out of reach")
    assert done.returncode == 0, done.stderr[-3000:]
    with open(folder / 'out' / 'compare.json', encoding='utf-8') as file:
        return folder, done.stdout, json.load(file)


def test_each_contender_plays_is_driven_and_settles(run):
    found = run[2]['found']
    assert list(found) == CONTENDERS
    for told in found.values():
        day, = told['days']
        assert day['bets_per_s'] > 0 and sum(day['cpu_s'].values()) > 0
        assert set(told['hard']) >= {'volatile', 'retries'}
        assert told['throughput']['bets_per_s'] > 0
        one, = told['settled']
        assert one['per_s'] > 0 and one['kept_bytes_per_bet'] > 0
        assert one['bets'] > 0 and one['settled'] > 0  # how many: that is the machine's
        assert ('seconds' in one) == (one['settled'] >= one['bets'])


def test_who_polls_is_asked_and_sees_late(run):
    naive, embedded = (run[2]['found'][name]['days'][0] for name in ('naive', 'embedded'))
    assert naive['polls_per_s'] > 0 and embedded['polls_per_s'] == 0
    assert naive['seen_p50_ms'] > 300  # who asks each three seconds sees late


def test_what_the_database_did_is_counted_for_those_who_have_one(run):
    found = run[2]['found']
    assert found['embedded']['days'][0]['database'] is None
    for name in ('naive', 'distributed'):
        work = found[name]['days'][0]['database']
        assert work['wal_bytes_per_bet'] > 0 and work['transactions_per_s'] > 0
        assert work['cpu_ms_per_bet'] >= 0 and work['rows_written_per_s'] > 0
    naive = found['naive']['days'][0]['database']
    assert naive['polling_percent'] > 0 == found['distributed']['days'][0]['database'][
        'polling_percent']
    assert all(naive['statement_ms'][step] > 0 for step in ('poll', 'lock', 'insert', 'debit'))


def test_where_the_processors_went_is_told(run):
    """Of the whole machine: nobody has more than there is, and who works has something."""
    for told in run[2]['found'].values():
        for day in told['days']:
            shares = day['processors_percent']
            assert set(shares) == {'program', 'engines', 'generator', 'idle'}
            assert shares['program'] > 0 < shares['generator'] and shares['idle'] >= 0
            assert sum(shares.values()) < 110  # of clocks that are read one after the other
            assert day['generator_late_p99_ms'] >= 0
    assert run[2]['found']['embedded']['days'][0]['processors_percent']['engines'] == 0


def test_who_is_measured_goes_behind_who_measures():
    """A member and its children are nice, and its session is, where sessions are shared between."""
    sys.path.insert(0, os.path.join(ROOT, 'bench', 'compare'))
    from contenders import LAST, give_way
    with subprocess.Popen(['sleep', '60'], start_new_session=True) as sleeper:
        try:
            give_way(sleeper.pid)
            assert os.getpriority(os.PRIO_PROCESS, sleeper.pid) == LAST
            group = f'/proc/{sleeper.pid}/autogroup'
            if os.path.exists(group):
                with open(group, encoding='ascii') as file:
                    assert file.read().split()[-1] == str(LAST)
        finally:
            sleeper.kill()


def test_users_without_a_file_each_are_not_tried():
    done = subprocess.run(['prlimit', '--nofile=1024:1024', BINARY, 'compare', '--users', '1000'],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, env=ENVIRONMENT, check=False)
    assert done.returncode == 1 and 'ulimit -Hn' in done.stderr and done.stdout == ''


def test_what_is_sent_again_is_placed_once_by_the_book(run):
    """V0's defect is counted, too, where somebody sent again; when nobody had to wait, nobody
    did."""
    days = {name: told['hard']['retries'] for name, told in run[2]['found'].items()}
    for name in ('embedded', 'distributed'):
        assert days[name]['duplicates'] == 0
    assert days['naive']['duplicates'] <= days['naive']['retries']


def test_both_processes_behind_the_balancer_are_asked_in_turn(run):
    told = run[2]['found']['naive']['balancer']
    assert told['carried_per_s'] > 0 and told['through_p50_ms'] > 0
    assert all(45 < share < 55 for share in told['shares_percent']), told


def test_the_page_has_every_claim_and_every_point_of_the_specification(run):
    folder, printed, kept = run
    text = (folder / 'out' / 'compare.md').read_text(encoding='utf-8')
    assert text in printed
    for claim in ('100x throughput', '10x lower latency', '60x fresher odds',
                  'from 10-20 % to under 2 %'):
        row, = re.findall(rf'^\|[^|]*{claim}[^|]*\|.*$', text, re.M)
        assert row.count('|') == 4 and '| - |' not in row
    points = set(re.findall(r'^\| (V0-\d+)', text, re.M))
    assert points == set(POINTS)
    assert kept['machine'] in text and kept['date'] in text and '0.5 USD for an hour' in text
    assert '{' not in text


def test_the_page_for_the_documents_is_the_same_with_its_own_picture(run):
    folder, _, kept = run
    page = (folder / 'docs' / 'PAGE.md').read_text(encoding='utf-8')
    out = (folder / 'out' / 'compare.md').read_text(encoding='utf-8')
    assert page.replace('page.svg', 'compare.svg') == out and '](page.svg)' in page
    assert json.loads((folder / 'docs' / 'page.json').read_text(encoding='utf-8')) == kept
    for path in (folder / 'docs' / 'page.svg', folder / 'out' / 'compare.svg'):
        ET.fromstring(path.read_text(encoding='utf-8'))


def test_a_run_is_continued_by_days_of_more_users(run, tmp_path):
    folder, _, kept = run
    before = str(folder / 'out' / 'compare.json')
    done = compare('--continue', before, '--only', 'naive', '--users', '100,150', '--out',
                   str(tmp_path))
    assert done.returncode == 0, done.stderr[-3000:]
    more = json.loads((tmp_path / 'compare.json').read_text(encoding='utf-8'))
    assert [day['users'] for day in more['found']['naive']['days']] == [100, 150]
    assert more['found']['naive']['days'][0] == kept['found']['naive']['days'][0]
    assert more['found']['embedded'] == kept['found']['embedded']
    assert more['plan']['users'] == [100, 150]
    assert 'Days of 150 users were added' in done.stdout
    strange = folder / 'strange.json'
    strange.write_text(json.dumps({**kept, 'machine': 'another'}))
    told = compare('--continue', str(strange), seconds=60)
    assert told.returncode == 1 and 'another machine' in told.stderr


def test_a_file_counts_without_its_zeros_and_not_when_it_is_gone(tmp_path):
    """Segments are made whole, and the book replaces them while they are looked at."""
    sys.path.insert(0, os.path.join(ROOT, 'bench', 'compare'))
    from contenders import used_bytes
    made = tmp_path / 'made'
    for written in (b'', b'x', b'x' * 2 ** 20, b'x' * (2 ** 20 + 1), b'x\0x'):
        made.write_bytes(written + b'\0' * 3 * 2 ** 20)
        assert used_bytes(str(made)) == len(written)
    assert used_bytes(str(tmp_path / 'gone')) == 0


def test_the_command_hands_its_words_on_and_forwards_the_exit_code():
    told = compare('--help', seconds=60)
    assert told.returncode == 0 and 'usage: overround compare' in told.stdout
    wrong = compare('--dance', seconds=60)
    assert wrong.returncode == 2 and '--dance' in wrong.stderr
    many = compare(*['--quick'] * 65, seconds=60)
    assert many.returncode == 2 and 'too many arguments' in many.stderr


def test_a_signal_ends_it_and_all_that_it_started(tmp_path):
    with subprocess.Popen([BINARY, 'compare', '--users', '10', '--seconds', '2', '--out',
                           str(tmp_path / 'out')], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env=ENVIRONMENT) as running:
        begun = running.stderr.readline()  # the first day was played
        started = below(running.pid)
        running.terminate()
        said = running.communicate(timeout=120)[1]
    assert '10 users' in begun and 'ended by a signal' in said
    assert running.returncode == 1 and not (tmp_path / 'out').exists()
    assert len(started) >= 3  # PostgreSQL, Redis, V0
    until(lambda: not any(os.path.exists(f'/proc/{pid}') for pid in started), seconds=60)


def test_without_the_script_the_command_says_where_it_looked(tmp_path):
    program = tmp_path / 'bin' / 'overround'
    program.parent.mkdir()
    shutil.copy(BINARY, program)
    told = compare('--quick', program=program, seconds=60)
    assert told.returncode == 1 and told.stdout == ''
    assert f'{tmp_path}/bench/compare/compare' in told.stderr
    assert f'{tmp_path}/share/overround/bench/compare/compare' in told.stderr


@pytest.mark.skipif(not shutil.which('meson'), reason='no Meson here')
def test_what_is_installed_has_its_own_script_and_starts_the_installed_program(tmp_path):
    subprocess.run(['meson', 'install', '-C', os.path.dirname(BINARY), '--no-rebuild', '--destdir',
                    str(tmp_path)], check=True, stdout=subprocess.DEVNULL)
    program, = tmp_path.glob('**/bin/overround')
    told = compare('--help', program=program, seconds=60)
    assert told.returncode == 0 and 'usage: overround compare' in told.stdout
    share = program.parent.parent / 'share' / 'overround'
    for needed in ('bench/compare/compare', 'deploy/cluster/engines.py', 'tests/lib/run-postgres',
                   'tests/lib/run-redis', 'tests/lib/run-kafka', 'tools/install-deps',
                   'deploy/haproxy/naive.cfg'):
        assert (share / needed).is_file()
        assert os.access(share / needed, os.X_OK) == os.access(os.path.join(ROOT, needed), os.X_OK)
