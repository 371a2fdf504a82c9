"""The bettors of a match day (`overround load world`): the same day by the same seed, bets that are
sent again when no answer comes, and what a person at a terminal is told meanwhile."""
import json
import os
import pty
import signal
import subprocess
import time

from lib.server import BINARY

PROMPT = ['--warmup', '1', '--poll-ms', '200', '--bet-ms', '1000', '--leave-ms', '0']


def words(book, users, seconds, *options):
    return [BINARY, 'load', 'world', '--url', 'http://%s:%d' % book.server.public, '--admin-url',
            'http://%s:%d' % book.server.admin, '--data', book.server.data, '--users', str(users),
            '--markets', '3', '--seconds', str(seconds), '--goal-ms', '2000',
            '--suspended-ms', '300', '--calm-ms', '200', '--volatile-ms', '100', *options]


def day(book, users, seconds, *options):
    done = subprocess.run(words(book, users, seconds, *options), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120,
                          check=True)
    return json.loads(done.stdout)


def wanted(report, kind):
    """What the bettors meant to do, done or not."""
    return report[kind]['sent'] + report[kind]['lost'] + \
        (report['not_offered'] if kind == 'bets' else 0)


def test_the_same_seed_is_the_same_day(book):
    plans = []
    for seed, prefix in (('3', 'first'), ('3', 'again'), ('4', 'other')):
        report = day(book, 40, 3, *PROMPT, '--seed', seed, '--user-prefix', prefix)
        assert report['bets']['lost'] == report['polls']['lost'] == 0
        plans.append([report['goals'], report['moves'], wanted(report, 'polls'),
                      wanted(report, 'bets')])
    assert plans[0] == plans[1] != plans[2]
    assert min(plans[0]) > 0


def test_a_bet_without_an_answer_is_sent_again_under_its_key(book):
    """The server stands still, and goes on: it answers each bet, and the second time with the
    first answer."""
    server = book.server.process
    with subprocess.Popen(words(book, 60, 5, *PROMPT, '--timeout-ms', '200', '--phases', 'on',
                                '--user-prefix', 'again'), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as player:
        assert any(line == 'measuring\n' for line in player.stderr)
        server.send_signal(signal.SIGSTOP)
        time.sleep(1.5)  # in which they bet, and become impatient
        server.send_signal(signal.SIGCONT)
        report = json.loads(player.communicate(timeout=120)[0])
    assert report['retries'] > 0 and report['replayed'] > 0
    assert report['duplicates'] == 0 < report['bets']['succeeded']


def test_a_terminal_is_told_how_far_it_is(book):
    outer, inner = pty.openpty()
    with subprocess.Popen(words(book, 10, 3, *PROMPT, '--user-prefix', 'watched'),
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=inner) as player:
        os.close(inner)
        shown = b''
        try:
            while piece := os.read(outer, 4096):
                shown += piece
        except OSError:  # nobody has the other end any more
            pass
        report = json.loads(player.stdout.read())
    os.close(outer)
    lines = shown.decode().split('\r')
    assert len(lines) > 2 and all(' of 4 s | ' in line for line in lines[1:]), lines
    assert ' polls | ' in lines[-1] and report['polls']['succeeded'] > 0


def test_more_users_than_files_may_be_open_are_refused(book):
    files = 200
    done = subprocess.run(['prlimit', f'--nofile={files}:{files}', *words(book, files, 1, *PROMPT)],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert done.returncode == 1 and 'ulimit -n' in done.stderr and done.stdout == ''
