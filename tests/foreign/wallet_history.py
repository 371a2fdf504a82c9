"""wallet_history.py SECONDS SEED - a book with two fronts, whose customers do everything from
several places at once, with each other's keys too, while book, fronts and the way between them are
killed and cut. Prints one request a line, for the checker in porcupine/: who asked what, when, and
what was answered; without `return` what was never answered, or with words that leave it open."""
import json
import os
import pathlib
import random
import sys
import tempfile
import threading
import time
from decimal import Decimal

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'e2e'))
# pylint: disable=wrong-import-position
from conftest import make  # noqa: E402
from lib.fronts import Fronts  # noqa: E402
from lib.http import Closed, Http  # noqa: E402
from lib.until import until  # noqa: E402

USERS, CLIENTS, PAUSE = 4, 3, 0.08
KEYS_KEPT = 4           # of a customer, which others try again
NOTHING_DONE = 'BOOK_AWAY', 'DESK_AWAY', 'OVERLOADED'
REFUSALS = 'INSUFFICIENT_BALANCE', 'MARKET_SUSPENDED'


def minor(amount):
    return int(Decimal(str(amount)) * 100)


class Customer:
    """What the clients of one user share."""

    def __init__(self, name, token):
        self.name, self.token, self.recent = name, token, []


class Client(threading.Thread):
    """Asks until it is told to stop; each request once: a lost one is not asked again."""

    def __init__(self, scene, customer, number):
        super().__init__(daemon=True)
        self.scene, self.customer, self.number = scene, customer, number
        self.random = random.Random(f'{scene.seed} {customer.name} {number}')
        self.http, self.requests, self.made = None, [], 0

    def run(self):
        while not self.scene.stop.is_set():
            self.one(*self.choose())
            time.sleep(self.random.random() * PAUSE)

    def choose(self):
        """(op, key, amount)"""
        if self.random.random() < 0.2:
            return 'read', '', 0
        if self.customer.recent and self.random.random() < 0.4:
            return self.random.choice(self.customer.recent)
        self.made += 1
        op = self.random.choice(('deposit', 'withdraw', 'bet', 'bet'))
        chosen = op, f'{self.number}-{self.made}', self.random.randrange(1, 2000)
        self.customer.recent = [*self.customer.recent[-KEYS_KEPT + 1:], chosen]
        return chosen

    def one(self, op, key, amount):
        row = {'user': self.customer.name, 'client': self.number, 'op': op, 'key': key,
               'amount': amount, 'call': time.monotonic_ns()}
        try:
            answer = self.ask(op, key, amount)
        except (OSError, Closed, ValueError):
            self.http = None
            self.requests.append(row)
            return
        if answer.status == 503 and answer.json.get('code') in NOTHING_DONE:
            return # it says that nothing was done: so it must not be needed to explain the rest
        if answer.status != 503:
            row['return'] = time.monotonic_ns()
            self.put(row, answer)
        self.requests.append(row)

    def put(self, row, answer):
        said = answer.json
        assert answer.status in (200, 201) or said['code'] in REFUSALS, answer.body
        row['code'] = said.get('code', '') if answer.status >= 400 else ''
        row['replayed'] = 'idempotent-replayed' in answer.headers
        if 'balance' in said:
            row['balance'] = minor(said['balance'])

    def ask(self, op, key, amount):
        if self.http is None:
            self.http = Http(self.random.choice(self.scene.fronts.fronts).public, timeout=20)
        if op == 'read':
            return self.http.request('GET', '/v1/account', None, self.customer.token)
        path, body = '/v1/bets', self.scene.slip(amount)
        if op != 'bet':
            path = f'/v1/account/{op}{"als" if op == "withdraw" else "s"}'
            body = {'amount': Decimal(amount) / 100, 'currency': 'GBP'}
        return self.http.request('POST', path, body, self.customer.token,
                                 {'Idempotency-Key': key})


class Scene:
    def __init__(self, folder, seed):
        self.seed, self.stop = seed, threading.Event()
        self.book = make(str(folder / 'data'))
        self.fronts = Fronts(self.book, folder)
        for front in self.fronts.fronts:
            until(front.is_ready)
        self.market = self.book.market()
        self.clients = []
        for n in range(USERS):
            name = f'wallet-{n}'
            customer = Customer(name, self.book.server.token(name))
            self.clients += [Client(self, customer, c) for c in range(CLIENTS)]

    def slip(self, amount):
        return {'market_id': self.market, 'selection_id': '11', 'odds': Decimal('1.01'),
                'stake': Decimal(amount) / 100, 'currency': 'GBP'}

    def harm(self, chance):
        """One of them is killed or cut, and comes back."""
        what = chance.choice(('front', 'front', 'way', 'book'))
        if what == 'front':
            victim = chance.choice(self.fronts.fronts)
            victim.kill()
            victim.start()
        elif what == 'way':
            self.fronts.way.stop()
            time.sleep(chance.random() * 0.2)
            self.fronts.way.go()
        else:
            self.book.server.kill()
            self.fronts.restart_book()

    def run(self, seconds):
        chance, end = random.Random(f'{self.seed} harm'), time.monotonic() + seconds
        for client in self.clients[::CLIENTS]:  # an account, before anything is taken from it
            client.one('deposit', 'first', 5000)
        for client in self.clients:
            client.start()
        while time.monotonic() < end:
            time.sleep(chance.random())
            self.harm(chance)
        self.stop.set()
        for client in self.clients:
            client.join()

    def close(self):
        self.fronts.close()
        self.book.close()


def main():
    seconds, seed = float(sys.argv[1]), sys.argv[2]
    with tempfile.TemporaryDirectory() as folder:
        scene = Scene(pathlib.Path(folder), seed)
        try:
            scene.run(seconds)
        finally:
            scene.close()
        scene.book.server.verify()
        for client in scene.clients:
            for row in client.requests:
                print(json.dumps(row))


if __name__ == '__main__':
    main()
