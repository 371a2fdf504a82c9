"""Books without an odds-worker: `serve --roles bet-service` beside a writer, a Redis between."""
from conftest import make
from lib.server import Server
from lib.until import until


LAG_MS = 1000  # more than the default: a machine that is busy with other tests is late itself


class BetService(Server):
    """A book of its own, at the prices of another one."""

    def __init__(self, data, url, *options, **named):
        super().__init__(data, '--roles', 'bet-service', '--odds-store', url, '--price-lag-ms',
                         str(LAG_MS), *options, **named)

    def shown(self, market):
        return self.get(f'/v1/odds/{market}').json

    def lagged(self):
        """Decisions that met a price which was too old."""
        return self.metric('overround_limit_reached_total', limit='price_lag_ms_max')


def level(shown, services, market, status):
    """Waits until each of the services has what `shown`, the writer's, says of the market at that
    moment, in this status; the version."""
    def same(service):
        newest, here = shown(market)['odds_version'], service.shown(market)
        return newest if (here.get('odds_version'), here.get('status')) == (newest, status) else 0
    return [until(lambda service=service: same(service)) for service in services][-1]


class Books:
    """A writer with a feed and some bet-services; each more with options of its own."""

    def __init__(self, redis, folder, more=((),), silence_ms=5000):
        self.redis = redis
        self.writer = make(folder / 'writer', ['--odds-store', redis.url, '--silence-ms',
                                               str(silence_ms)])
        self.feed = self.writer.feed
        self.services = [BetService(folder / f'bets-{n}', redis.url, *options).start()
                         for n, options in enumerate(more)]
        for service in self.services:
            until(service.is_ready)

    def market(self, **named):
        """A new market that can be bet on at all of them."""
        market = self.writer.market(**named)
        self.level(market)
        return market

    def shown(self, market):
        return self.writer.server.get(f'/v1/odds/{market}').json

    def level(self, market, status='active'):
        """Every service shows the writer's newest version, which it answers."""
        return level(self.shown, self.services, market, status)

    def close(self):
        for service in self.services:
            service.kill()
        self.writer.close()
        self.redis.close()
