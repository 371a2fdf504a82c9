"""`overround naive serve` with a PostgreSQL and a Redis of a test's own."""
import itertools
import json
import subprocess
import tempfile
from decimal import Decimal

from .http import Http, dumps
from .ports import free_port
from .postgres import Postgres
from .redis import Redis
from .server import Server
from .until import until

NUMBERS = itertools.count(1)


class NaiveServer(Server):
    """Its paths are V0's own, so docs/api knows nothing of its answers."""

    def __init__(self, data, *options):
        super().__init__(data, *options, profile=None, command='naive serve',
                         listen=f'127.0.0.1:{free_port()}')  # it keeps its place

    def http(self, **named):
        return Http(self.public, foreign=True, **named)

    def desk(self, path, body, role='trader', method='POST'):
        with Http(self.admin, foreign=True) as http:
            return http.request(method, path, body, self.token(f'{role}-1', role))


class Customer:
    def __init__(self, book, name=None, money='100.00'):
        self.book, self.name = book, name or f'customer-{next(NUMBERS)}'
        self.token = book.server.token(self.name)
        self.http = book.server.http()
        if money:
            answer = self.call('POST', '/account/deposits', {'amount': Decimal(money)})
            assert answer.status == 201, answer.body

    def reconnect(self):
        self.http.close()
        self.http = self.book.server.http()

    def call(self, method, path, body=None, **headers):
        return self.http.request(method, path, body, self.token,
                                 {k.replace('_', '-'): v for k, v in headers.items()})

    def slip(self, market, selection='home', stake='10.00', version=None):
        shown = self.book.shown(market)
        return {'market_id': market, 'selection_id': selection,
                'odds': next(s['odds'] for s in shown['selections'] if s['id'] == selection),
                'odds_version': version or shown['odds_version'], 'stake': Decimal(stake)}

    def bet(self, market, selection='home', stake='10.00', version=None, path='/bets'):
        return self.call('POST', path, self.slip(market, selection, stake, version))

    def balance(self):
        """As the session has it."""
        answer = self.call('GET', '/account')
        assert answer.status == 200, answer.body
        return answer.json['balance']

    def status(self, bet_id):
        return self.call('GET', f'/bets/{bet_id}').json['status']


class Holder:
    """Somebody who has rows of the database for a while."""

    def __init__(self, postgres, statement):
        # pylint: disable=consider-using-with
        self.psql = subprocess.Popen(['psql', '-X', '-q', '-d', postgres.url],
                                     stdin=subprocess.PIPE, text=True)
        self.say(f'BEGIN; {statement};\n')
        until(lambda: postgres.number(
            "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction' "
            "AND application_name = 'psql'") == 1)

    def say(self, text):
        self.psql.stdin.write(text)
        self.psql.stdin.flush()

    def end(self, commit=False):
        """What is not committed is undone."""
        self.say('COMMIT;\n' if commit else 'ROLLBACK;\n')
        self.psql.stdin.close()
        self.psql.wait(60)


class NaiveBook:
    """V0 whole: five components but for the load balancer."""

    def __init__(self, folder, *options):
        self.postgres = Postgres(tempfile.mkdtemp(prefix='overround-pg-', dir='/tmp')).start()
        self.redis = Redis('--maxmemory', '32mb', '--maxmemory-policy', 'allkeys-lru').start()
        self.options = ['--database', self.postgres.url, '--redis',
                        f'127.0.0.1:{self.redis.port}', *options]
        self.server = NaiveServer(folder, *self.options).start()

    def close(self):
        self.server.kill()
        self.redis.close()
        self.postgres.close()

    def say(self, *messages):
        lines = ''.join(dumps(m) + '\n' for m in messages)
        with Http(self.server.admin, foreign=True) as http:
            answer = http.request('POST', '/v1/feed/json', lines,
                                  self.server.token('feed-1', 'feed'))
        assert answer.status == 200, answer.body
        return answer.json

    @staticmethod
    def image(market, home='2.10', status='active'):
        return {'op': 'market', 'market_id': market, 'event_id': f'event-{market}',
                'event_name': 'Home v Away', 'sport': 'football', 'name': 'To win', 'kind': '1x2',
                'status': status, 'selections': [
                    {'id': 'home', 'name': 'Home', 'odds': Decimal(home)},
                    {'id': 'away', 'name': 'Away', 'odds': Decimal('3.40')}]}

    def market(self, home='2.10'):
        market = f'naive-{next(NUMBERS)}'
        assert self.say(self.image(market, home))['market_changes'] == 1
        return market

    def shown(self, market):
        return self.server.get(f'/odds/{market}').json

    def result(self, market, home='WON', away='LOST'):
        return {'op': 'result', 'market_id': market, 'result_version': 1, 'selections': [
            {'selection_id': 'home', 'result': home}, {'selection_id': 'away', 'result': away}]}

    def count(self, market, status):
        return self.postgres.number(
            f"SELECT count(*) FROM bets WHERE market_id = '{market}' AND status = '{status}'")

    def money(self, customer):
        """As the database has it."""
        return Decimal(self.postgres.psql(
            f"SELECT balance FROM accounts WHERE user_id = '{customer.name}'").stdout.strip())

    def session(self, customer):
        return self.redis.cli('get', f'session:{customer.name}')

    def blocked(self):
        """Statements that wait for somebody's row."""
        return self.postgres.number(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")

    def plan(self, query):
        """How the database would answer, without reading the whole table."""
        return json.loads(self.postgres.psql(
            f'SET enable_seqscan = off; EXPLAIN (FORMAT JSON) {query}').stdout.split('SET\n')[-1])
