"""`overround sim`: one line of JSON per seed, the same for the same seed."""
import json

from lib.server import run


def test_the_same_seed_gives_the_same_line():
    first = run('sim', '--seed', '3', '--ticks', '300').stdout
    again = run('sim', '--seed', '3', '--ticks', '300').stdout
    other = run('sim', '--seed', '4', '--ticks', '300').stdout
    assert first == again
    said = json.loads(first)
    assert said['seed'] == 3 and said['ticks'] == 300 and said['bets'] > 0
    assert said['state_hash'] != json.loads(other)['state_hash']


def test_a_swarm_that_missed_a_kind_of_fault_fails_and_names_it():
    done = run('sim', '--swarm', '2', '--ticks', '1', check=False, seconds=60)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line.get('seed') for line in lines] == [1, 2, None]
    assert lines[-1]['seeds'] == 2 and lines[-1]['crash'] == 0
    assert done.returncode == 1 and '"crash"' in done.stderr


def test_an_impossible_number_is_named():
    for arguments in (['--seed', '-1'], ['--ticks', '0'], ['--swarm', 'many'], ['--minutes', 'x']):
        done = run('sim', *arguments, check=False, seconds=20)
        assert done.returncode == 2 and arguments[0] in done.stderr
