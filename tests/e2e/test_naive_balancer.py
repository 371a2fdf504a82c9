"""V0 behind its load balancer, deploy/haproxy/naive.cfg: two processes over one database and one
Redis take requests in turn, and one that is gone is left out."""
import os
import subprocess

import pytest
from lib.haproxy import FOLDER, free_port
from lib.http import Http
from lib.naive import Customer, NaiveBook, NaiveServer
from lib.until import until

CONFIG = os.path.join(FOLDER, 'naive.cfg')


class Balanced:
    """V0 twice, and HAProxy before them: what `Customer` needs of a book."""

    def __init__(self, folder):
        self.naive = NaiveBook(folder / 'data', '--bets-per-minute', '0')
        self.second = NaiveServer(folder / 'data', *self.naive.options).start()
        self.public = '127.0.0.1', free_port()
        self.proxy = self.server = None
        self.token, self.shown = self.naive.server.token, self.naive.shown

    def start(self):
        environment = {**os.environ, 'OVERROUND_BIND': '{}:{}'.format(*self.public),
                       'OVERROUND_NAIVE_1': '{}:{}'.format(*self.naive.server.public),
                       'OVERROUND_NAIVE_2': '{}:{}'.format(*self.second.public)}
        # pylint: disable=consider-using-with
        self.proxy = subprocess.Popen(['haproxy', '-db', '-f', CONFIG], env=environment,
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
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
        except OSError:
            return False

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
