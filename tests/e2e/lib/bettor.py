"""A customer: a token, money, and bets."""
import itertools
import time
from decimal import Decimal
from urllib.parse import quote

from .http import Http
from .until import until

NUMBERS = itertools.count(1)
IDLE_SECONDS_MAX = 60  # a server ends what nobody has used for 75 (http_idle_ms_max)


class Bettor:
    """Keeps one connection to the public listener."""
    used = float('inf')

    def __init__(self, server, name=None, money='1000.00', currency='GBP'):
        self.server, self.currency = server, currency
        self.name = name or f'user-{next(NUMBERS)}'
        self.token = server.token(self.name)
        self.http = Http(server.public)
        if money:
            self.pay_in(money)

    def pay_in(self, money):
        """A book that can answer nobody just now (503) is asked again, with the same key."""
        key = self.key()
        response = until(lambda: (said := self.deposit(money, key)).status != 503 and said)
        assert response.status in (200, 201), response.body

    def reconnect(self):
        self.http.close()
        self.http = Http(self.server.public)

    def key(self):
        return f'{self.name}-{next(NUMBERS)}'

    def call(self, method, path, body=None, key=None, token=None):
        headers = {'Idempotency-Key': key} if key else {}
        if time.monotonic() - self.used > IDLE_SECONDS_MAX and not self.http.asked:
            self.reconnect()
        self.used = time.monotonic()
        return self.http.request(method, path, body, token or self.token, headers)

    def deposit(self, amount, key=None):
        return self.call('POST', '/v1/account/deposits',
                         {'amount': Decimal(amount), 'currency': self.currency},
                         key or self.key())

    def withdraw(self, amount, key=None):
        return self.call('POST', '/v1/account/withdrawals',
                         {'amount': Decimal(amount), 'currency': self.currency},
                         key or self.key())

    def odds(self, market, selection):
        """(price, version) as shown now."""
        shown = self.http.request('GET', f'/v1/odds/{quote(market, safe="")}').json
        row = next(s for s in shown['selections'] if s['id'] == str(selection))
        return row['odds'], shown['odds_version']

    def slip(self, market, selection, stake='10.00', **more):
        """A bet at the price shown now."""
        body = {'market_id': market, 'selection_id': str(selection)}
        if 'odds' not in more:
            body['odds'], body['odds_version'] = self.odds(market, selection)
        body.update({'stake': Decimal(stake), 'currency': self.currency, **more})
        return {k: v for k, v in body.items() if v is not None}

    def bet(self, market, selection, stake='10.00', key=None, **more):
        return self.place(self.slip(market, selection, stake, **more), key)

    def place(self, slip, key=None):
        return self.call('POST', '/v1/bets', slip, key or self.key())

    def read(self, bet_id):
        response = self.call('GET', f'/v1/bets/{bet_id}')
        assert response.status == 200, response.body
        return response.json

    def wait_bet(self, bet_id, seconds=60, **wanted):
        """The bet, once it has these fields."""
        def look():
            bet = self.read(bet_id)
            return bet if all(bet.get(k) == v for k, v in wanted.items()) else None
        return until(look, seconds)

    def account(self):
        response = self.call('GET', '/v1/account')
        assert response.status == 200, response.body
        return response.json

    def balance(self):
        return Decimal(self.account()['balance'])

    def bets(self):
        """All own bets, page by page."""
        found, cursor = [], ''
        while True:
            page = self.call('GET', '/v1/bets' + (f'?cursor={cursor}' if cursor else '')).json
            found += page['bets']
            cursor = page.get('next_cursor') or page.get('cursor')
            if not cursor or not page['bets']:
                return found
