"""Bets under way while something happens to the server, and what must be true afterwards."""
import random
import threading
import time
from decimal import Decimal

from .http import Closed, Http
from .until import until


class Load:
    """Customers who bet as fast as they are answered, and remember every answer."""

    def __init__(self, book, market, customers=8, name='load'):
        self.book, self.market = book, market
        self.customers = [book.bettor(name=f'{name}-{n}', money='100000.00')
                          for n in range(customers)]
        self.odds, self.version = self.customers[0].odds(market, 11)
        self.sent, self.acknowledged = {}, {}  # (customer, key) -> slip, answer
        self.refused = {}
        self.lock = threading.Lock()

    def connect(self):
        """Where customers are."""
        return Http(self.book.server.public)

    def slip(self, stake):
        return {'market_id': self.market, 'selection_id': '11', 'odds': Decimal('1.01'),
                'stake': stake, 'currency': 'GBP'}

    def one(self, customer, key, http):
        slip = self.sent[customer, key]
        response = http.request('POST', '/v1/bets', slip, customer.token,
                                {'Idempotency-Key': key})
        with self.lock:
            if response.status in (200, 201):
                self.remember(customer, key, response.json)
            else:
                self.refused[customer, key] = response
        return response.status

    def remember(self, customer, key, answer):
        before = self.acknowledged.setdefault((customer, key), answer)
        assert before['bet_id'] == answer['bet_id'], 'one key, two bets'
        self.refused.pop((customer, key), None)

    def bet_until_broken(self, customer, stop, number):
        try:
            with self.connect() as http:
                while not stop.is_set():
                    key = f'{number}-{len(self.sent)}-{random.randrange(10 ** 9)}'
                    self.sent[customer, key] = self.slip(Decimal(random.randrange(1, 100)) / 100)
                    if self.one(customer, key, http) not in (200, 201):
                        time.sleep(0.01)
        except (OSError, Closed, ValueError):
            pass  # the server died: exactly what is tested

    def start(self, number):
        stop = threading.Event()
        threads = [threading.Thread(target=self.bet_until_broken, args=(c, stop, number),
                                    daemon=True) for c in self.customers]
        for thread in threads:
            thread.start()

        def join():
            stop.set()
            for thread in threads:
                thread.join()
        return join

    def retry_unanswered(self):
        """As a client does after a lost connection: the same key again tells the truth, and who
        is told 503 comes once more."""
        with self.connect() as http:
            for customer, key in list(self.sent):
                if (customer, key) not in self.acknowledged:
                    until(lambda c=customer, k=key: self.one(c, k, http) != 503)

    def check(self):
        """Every acknowledged bet once, and the balances fit to the penny. Who was told that a bet
        waits, and then that it was not accepted, has his money."""
        for customer in self.customers:
            customer.reconnect()
            listed = [b['bet_id'] for b in customer.bets() if b['status'] != 'NOT_ACCEPTED']
            assert len(listed) == len(set(listed)), 'a bet is there twice'
            mine = {k: a for (c, k), a in self.acknowledged.items() if c is customer}
            missing = {a['bet_id'] for a in mine.values()} - set(listed)
            assert not missing, f'acknowledged and lost: {missing}'
            unknown = set(listed) - {a['bet_id'] for a in mine.values()}
            assert not unknown, f'bets nobody was told of after all retries: {unknown}'
            stakes = sum(Decimal(a['stake']) for a in mine.values())
            assert customer.balance() == 100000 - stakes
