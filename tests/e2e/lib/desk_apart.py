"""A desk without users beside the shards: `serve --roles odds-worker,back-office`, a bet-service
for each shard, and a Redis between."""
import os

from conftest import make

from .bet_service import BetService, level
from .bettor import Bettor
from .desk import until_told
from .feed import Feed
from .server import run
from .shards import copy_keys, users_of
from .standby import Proxy
from .until import until

ROLES = 'odds-worker,back-office'


class DeskApart:
    """With a customer in each shard. A shard may have more options of its own, and an environment.
    Without `wait` begin() is still to be called: a desk whose standby is not there yet says
    nothing."""

    # pylint: disable-next=too-many-arguments
    def __init__(self, redis, folder, shards=2, desk=(), more=None, wait=True, environments=None):
        self.redis, self.folder, self.shards = redis, folder, shards
        self.more, self.environments = more or {}, environments or {}
        self.desk = make(folder / 'desk', ['--roles', ROLES, '--shards', str(shards),
                                           '--odds-store', redis.url, *desk])
        self.feed = self.desk.feed
        self.way = Proxy(self.desk.server.admin)
        self.token_file = folder / 'desk.token'
        self.token_file.write_text(self.desk.server.token('shard-0', 'shard') + '\n')
        self.services, self.customers = [], []
        if wait:
            self.begin()

    def begin(self):
        """The shards."""
        self.services = [self.open(n) for n in range(self.shards)]
        until(self.granted)
        self.customers = [Bettor(service, next(users_of(n, self.shards)))
                          for n, service in enumerate(self.services)]

    def open(self, shard):
        host, port = self.way.address
        data = self.folder / f'bets-{shard}'
        copy_keys(self.folder / 'desk', data)
        return BetService(data, self.redis.url, '--shard', str(shard), '--shards',
                          str(self.shards), '--desk', f'{host}:{port}', '--desk-apart', 'on',
                          '--desk-token', str(self.token_file), *self.more.get(shard, ()),
                          environment=self.environments.get(shard, ())).start()

    def granted(self):
        """Whether all shards may take bets."""
        return all(service.metric('overround_desk_granted') == 1 and service.is_ready()
                   for service in self.services)

    def market(self, **named):
        """A new one that each shard shows as the desk does."""
        market = self.desk.market(**named)
        self.level(market)
        return market

    def shown(self, market):
        return self.desk.server.get(f'/v1/odds/{market}').json

    def level(self, market, status='active'):
        return level(self.shown, self.services, market, status)

    def say(self, path, body=None, method='POST'):
        answer = self.desk.server.desk(f'/v1/admin/{path}', body or {'reason': 'x'}, method=method)
        assert answer.status == 200, answer.body
        return answer.json

    def tell(self, path, body=None, away=()):
        """Until all shards have it but those that are away."""
        until_told(lambda: self.say(path, body)['shards'], self.shards - len(away), away)

    def bet(self, shard, market, **named):
        """What a bet comes to: placed, or why not; LATE: its log took longer than a price holds,
        and it is decided once more."""
        answer = self.customers[shard].bet(market, 11, '1.00', odds=2.0, price_policy='any',
                                           **named)
        return 'placed' if answer.status == 201 else answer.json.get('code', 'LATE')

    def all_bet(self, market, code='placed'):
        """Every shard's next bets come to that."""
        for shard in range(self.shards):
            until(lambda shard=shard: self.bet(shard, market) == code)

    def bets(self, market):
        """A bet that is placed of each shard's customer: refused as long as its price is late."""
        def placed(customer):
            answer = customer.bet(market, 11, '1.00', odds=2.0, price_policy='any')
            return answer.json if answer.status == 201 else None
        return [until(lambda c=customer: placed(c)) for customer in self.customers]

    def again(self):
        """The desk, after it was killed, with its feed."""
        self.desk.server.start()
        self.way.target = self.desk.server.admin
        self.feed.again()

    def verify(self):
        """All end cleanly, and every log is whole; what each says of itself."""
        said = []
        for server in (*self.services, self.desk.server):
            assert server.terminate() == 0
            said.append(server.verify())
            assert 'all invariants hold' in said[-1]
        return said

    def dump(self, server):
        return run('ledger', 'dump', *server.ledger_options()).stdout

    def close(self):
        for service in self.services:
            service.kill()
        self.way.close()
        self.desk.close()
        self.redis.close()
