"""Keys that have left the memory: one key, one verdict, for ever, however long ago, over every
transport, after a crash, with the files of old keys lost or damaged."""
import contextlib
import os
import shutil

import pytest
from conftest import make
from lib.server import run
from lib.until import until

MEMORY = 256


@pytest.fixture
def old_book(tmp_path, filter_bytes=65536):
    made = make(tmp_path / 'data', options=(
        '--verdicts-max', str(MEMORY), '--verdicts-filter-bytes', str(filter_bytes),
        '--snapshot-records', '400'))
    yield made
    made.close()


@pytest.fixture
def unfiltered_book(tmp_path):
    yield from old_book.__wrapped__(tmp_path, 64)


def folder(server):
    return os.path.join(server.data, 'verdicts')


def runs(server):
    return sorted(n for n in os.listdir(folder(server)) if n.endswith('.run'))


def answered(ask):
    """The answer; who is told that the key cannot be looked up at this moment comes again."""
    return until(lambda: (lambda a: a.status != 503 and a)(ask()))


class Story:
    """A placed and a refused bet and a deposit, and then so many more keys that they are old."""

    def __init__(self, book, more=900):
        self.book = book
        self.market = book.market()
        self.customer = book.bettor(money='20.00')
        self.placed = self.customer.slip(self.market, 11, '15.00')
        self.refused = self.customer.slip(self.market, 11, '6.00')
        self.first = self.customer.place(self.placed, 'placed')
        assert self.first.status == 201
        assert self.customer.place(self.refused, 'refused').code == 'INSUFFICIENT_BALANCE'
        self.deposit = self.customer.deposit('100.00', 'money')
        self.answers = {}
        self.more(more)

    def more(self, count):
        for _ in range(count):
            key = f'd{len(self.answers)}'
            answer = self.customer.deposit('0.01', key)
            while answer.status == 503:  # a small memory on a busy disk: nothing was done
                assert answer.json['limit'] == 'verdicts_max'
                answer = self.customer.deposit('0.01', key)
            assert answer.status == 201
            self.answers[key] = answer

    def balance(self):
        return self.customer.balance()

    def check(self):
        """Every old key has its first answer, and nothing moves."""
        customer, before = self.customer, self.balance()
        again = answered(lambda: customer.place(self.placed, 'placed'))
        assert again.status == 200 and again.headers['idempotent-replayed'] == 'true'
        assert again.json == self.first.json
        with self.book.server.websocket(token=customer.token) as socket:
            def placed_there(key, slip):
                return until(lambda: (a := socket.place('r', key, slip))['code'] != 503 and a)
            answer = placed_there('placed', self.placed)
            assert answer['replayed'] is True
            assert answer['bet']['bet_id'] == self.first.json['bet_id']
            answer = placed_there('refused', self.refused)
            assert answer['code'] == 400 and answer['replayed'] is True
        poor = answered(lambda: customer.place(self.refused, 'refused'))
        assert poor.code == 'INSUFFICIENT_BALANCE'
        money = answered(lambda: customer.deposit('100.00', 'money'))
        assert money.json == self.deposit.json
        for key in list(self.answers)[::97]:
            replayed = answered(lambda key=key: customer.deposit('0.01', key))
            assert replayed.status == 200 and replayed.headers['idempotent-replayed'] == 'true'
            assert replayed.json == self.answers[key].json
            other = answered(lambda key=key: customer.deposit('0.02', key))
            assert other.code == 'IDEMPOTENCY_CONFLICT'
        other = answered(lambda: customer.place({**self.placed, 'stake': 1}, 'placed'))
        assert other.code == 'IDEMPOTENCY_CONFLICT'
        assert self.balance() == before and len(customer.bets()) == 1

    def start_again(self):
        self.book.server.start()
        self.customer.reconnect()
        self.check()


def test_old_keys_are_answered_as_when_they_were_new(old_book):
    story, server = Story(old_book), old_book.server
    assert server.metric('overround_verdicts_memory') <= MEMORY
    assert server.metric('overround_verdicts') >= 900
    assert server.metric('overround_verdict_lookups_total', found='no') < 50
    story.check()
    assert server.metric('overround_verdict_lookups_total', found='yes') > 20
    assert server.metric('overround_verdict_lookups_total', found='unknown') == 0
    assert server.metric('overround_verdicts_disk') > 500
    assert runs(server)


def test_a_filter_that_says_perhaps_costs_look_ups_and_nothing_else(unfiltered_book):
    story, server = Story(unfiltered_book), unfiltered_book.server
    story.check()
    assert server.metric('overround_verdict_lookups_total', found='no') > 200


def test_old_keys_outlive_crashes_and_their_files(old_book):
    story, server = Story(old_book), old_book.server
    server.kill()
    story.start_again()
    server.kill()
    shutil.rmtree(folder(server))
    story.start_again()
    until(lambda: runs(server))
    server.terminate()
    path = os.path.join(folder(server), runs(server)[0])
    with open(path, 'r+b') as file:
        file.seek(4096 + 77)
        byte = file.read(1)[0]
        file.seek(4096 + 77)
        file.write(bytes([byte ^ 16]))
    story.start_again()
    until(lambda: server.metric('overround_verdict_runs_rebuilt_total') == 1)
    until(lambda: 'made again from the ledger' in server.log_text())
    story.more(200)
    server.kill()
    story.start_again()
    server.terminate()
    assert 'all invariants hold' in server.verify()


def damage_pages(path):
    """All of them but the head, unless it has been merged with others already."""
    with contextlib.suppress(FileNotFoundError), open(path, 'r+b') as file:
        for page in range(4096, os.path.getsize(path), 4096):
            file.seek(page + 20)
            file.write(b'\xff' * 8)


def test_damage_under_a_running_server_is_never_taken_for_a_new_key(old_book):
    story, server = Story(old_book, more=600), old_book.server
    before = story.balance()

    def is_replayed():
        answer = story.customer.deposit('100.00', 'money')
        assert answer.status in (200, 503)
        assert story.balance() == before
        return answer.status == 200 and answer.json == story.deposit.json

    def is_rebuilt():  # until then, who asks for a key of that run is told to come again
        return is_replayed() and server.metric('overround_verdict_runs_rebuilt_total') >= 1
    while server.metric('overround_verdict_runs_rebuilt_total') == 0:
        name = runs(server)[0]
        damage_pages(os.path.join(folder(server), name))
        # One that is merged with others just then may have been read before: the next one.
        until(lambda: is_rebuilt() or
              name not in runs(server))  # pylint: disable=cell-var-from-loop
    story.check()


def test_a_smaller_memory_and_a_larger_one_know_the_same_keys(old_book):
    story, server = Story(old_book, more=500), old_book.server
    for memory in ('4096', '512'):
        server.terminate()
        server.options[1] = memory
        story.start_again()


def test_verify_and_replay_need_no_files_of_old_keys(old_book):
    story, server = Story(old_book, more=500), old_book.server
    server.terminate()
    shutil.rmtree(folder(server))
    answer = run('ledger', 'verify', '--data', server.data, '--verdicts-max', str(MEMORY))
    verdicts = int([line.split()[1] for line in answer.stdout.splitlines()
                    if line.startswith('verdicts_checked')][0])
    assert verdicts == len(story.answers) + 4
    states = [[line for line in run('ledger', 'replay', '--data', server.data, '--fast', fast,
                                    '--verdicts-max', memory).stdout.splitlines()
               if line.startswith('state')]
              for fast in ('yes', 'no') for memory in (str(MEMORY), '100000')]
    assert all(state == states[0] for state in states)
    assert not os.path.exists(folder(server))
