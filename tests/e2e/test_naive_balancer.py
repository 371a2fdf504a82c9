"""V0 behind its load balancer, deploy/haproxy/naive.cfg: two processes over one database and one
Redis take requests in turn, and one that is gone is left out."""
import os
import signal
import subprocess
import threading
import time

import pytest
from lib.haproxy import FOLDER, show_stat
from lib.http import Closed, Http
from lib.naive import Customer, NaiveBook, NaiveServer
from lib.ports import free_port
from lib.until import until

CONFIG = os.path.join(FOLDER, 'naive.cfg')


class Balanced:
    """V0 twice, and HAProxy before them: what `Customer` needs of a book."""

    def __init__(self, folder):
        self.naive = NaiveBook(folder / 'data', '--bets-per-minute', '0')
        self.second = NaiveServer(folder / 'data', *self.naive.options).start()
        self.public = '127.0.0.1', free_port()
        self.control = os.path.join(str(folder), 'haproxy.sock')
        self.more = os.path.join(str(folder), 'control.cfg')
        with open(self.more, 'w', encoding='ascii') as file:
            file.write(f'global\n    stats socket {self.control}\n')
        self.proxy = self.server = None
        self.token, self.shown = self.naive.server.token, self.naive.shown

    def start(self):
        environment = {**os.environ, 'OVERROUND_BIND': '{}:{}'.format(*self.public),
                       'OVERROUND_NAIVE_1': '{}:{}'.format(*self.naive.server.public),
                       'OVERROUND_NAIVE_2': '{}:{}'.format(*self.second.public)}
        # pylint: disable=consider-using-with
        self.proxy = subprocess.Popen(['haproxy', '-db', '-f', CONFIG, '-f', self.more],
                                      env=environment, stdout=subprocess.DEVNULL,
                                      stderr=subprocess.DEVNULL)
        self.server = self
        until(self.answers)
        return self

    def http(self):
        return Http(self.public, foreign=True)

    def answers(self):
        assert self.proxy.poll() is None, 'haproxy has ended'
        try:
            with self.http() as http:
                return http.request('GET', '/healthz').status == 200
        except (OSError, Closed):
            return False

    def checks(self):
        """{process: how often it was taken away, and what it is now}"""
        return {name: (int(row['chkdown']), row['status'].split()[0])
                for name, row in show_stat(self.control, 'naive').items()}

    def polls(self, count=2):
        """Of so many of the processes."""
        return [int(server.metric('overround_naive_polls_total'))
                for server in (self.naive.server, self.second)[:count]]

    def close(self):
        if self.proxy is not None:
            self.proxy.terminate()
            self.proxy.wait(30)
        self.second.kill()
        self.naive.close()


@pytest.fixture
def balanced(tmp_path):
    made = Balanced(tmp_path)
    try:
        yield made.start()
    finally:
        made.close()


def test_requests_go_in_turn_and_a_bet_is_seen_by_both(balanced):
    market = balanced.naive.market('2.10')
    before = balanced.polls()
    with balanced.http() as http:
        for _ in range(20):
            assert http.request('GET', f'/odds/{market}').status == 200
    assert [now - then for now, then in zip(balanced.polls(), before)] == [10, 10]
    customer = Customer(balanced)
    bet = customer.bet(market).json['bet_id']
    for _ in range(2):  # of either process
        assert customer.status(bet) == 'PLACED'


def test_a_process_that_is_gone_is_left_out(balanced):
    market = balanced.naive.market('2.10')
    balanced.second.kill()
    before, = balanced.polls(1)
    with balanced.http() as http:
        for _ in range(6):
            assert http.request('GET', f'/odds/{market}').status == 200
    assert balanced.polls(1) == [before + 6]


def test_processes_are_exchanged_one_by_one_and_nobody_sees_it(balanced):
    market, ended, answers = balanced.naive.market('2.10'), threading.Event(), []

    def read():
        with balanced.http() as http:
            while not ended.is_set():
                answers.append(http.request('GET', f'/odds/{market}').status)

    reader = threading.Thread(target=read)
    reader.start()
    for server in (balanced.naive.server, balanced.second):
        assert server.terminate() == 0
        server.start()
        until(lambda: {now for _, now in balanced.checks().values()} == {'UP'})
        seen = len(answers)
        until(lambda: len(answers) > seen + 10)  # pylint: disable=cell-var-from-loop
    ended.set()
    reader.join()
    assert set(answers) == {200}


def test_a_pause_takes_nobody_away(balanced):
    until(lambda: set(balanced.checks().values()) == {(0, 'UP')})
    both = balanced.naive.server, balanced.second
    for server in both:
        server.process.send_signal(signal.SIGSTOP)
    time.sleep(0.7)  # of a second that they may stand still
    for server in both:
        server.process.send_signal(signal.SIGCONT)
    market = balanced.naive.market('2.10')
    with balanced.http() as http:
        for _ in range(4):
            assert http.request('GET', f'/odds/{market}').status == 200
    assert set(balanced.checks().values()) == {(0, 'UP')}


def test_when_all_are_away_everybody_is_told_so_at_once(balanced):
    for server in (balanced.naive.server, balanced.second):
        server.process.send_signal(signal.SIGSTOP)
    until(lambda: {now for _, now in balanced.checks().values()} == {'DOWN'})
    with balanced.http() as http:
        assert http.request('GET', '/odds/1.1').status == 503
    for server in (balanced.naive.server, balanced.second):
        server.process.send_signal(signal.SIGCONT)
    until(lambda: {now for _, now in balanced.checks().values()} == {'UP'})
    until(balanced.answers)
