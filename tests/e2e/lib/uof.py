"""Messages of the Unified Odds Feed, sent to the feed intake one a line."""
import threading
import time
from xml.sax.saxutils import quoteattr

from .http import Closed, Http

HEARTBEAT_SECONDS = 1
ALIVE_SECONDS = 10


def attributes(**named):
    """Those that are not None; a trailing _ of a name is dropped."""
    return ''.join(f' {k.rstrip("_")}={quoteattr(str(v))}' for k, v in named.items()
                   if v is not None)


def outcomes(rows):
    """{id: attributes} or ids."""
    rows = rows if isinstance(rows, dict) else {r: {} for r in rows}
    return ''.join(f'<outcome{attributes(id=i, **row)}/>' for i, row in rows.items())


def market(ident, rows=(), specifiers=None, **named):
    return (f'<market{attributes(id=ident, specifiers=specifiers, **named)}>'
            f'{outcomes(rows)}</market>')


class UofFeed:
    """A producer that lives, and a link that does, unless it is told to be silent."""

    def __init__(self, server, product=1):
        self.server, self.product, self.silent = server, product, False
        self.clock, self.lock, self.ended = 0, threading.RLock(), threading.Event()
        self.alive()
        self.heart = threading.Thread(target=self.beat, daemon=True)
        self.heart.start()

    def close(self):
        self.ended.set()
        self.heart.join()

    def beat(self):
        last = time.monotonic()
        while not self.ended.wait(HEARTBEAT_SECONDS):
            if self.silent:
                continue
            try:
                self.post('<heartbeat/>')
                if time.monotonic() - last >= ALIVE_SECONDS:
                    last = time.monotonic()
                    self.alive()
            except (OSError, Closed, AssertionError):
                pass  # the server is down just now: some tests want that

    def post(self, *lines):
        """Messages as they are; the counts of the answer."""
        with Http(self.server.admin) as http:
            response = http.request('POST', '/v1/feed/uof', '\n'.join(lines) + '\n',
                                    self.server.token('feed-1', 'feed'))
        assert response.status == 200, (response.status, response.body)
        return response.json

    def now(self):
        """The provider's clock: rises with every message."""
        with self.lock:
            self.clock = max(self.clock + 1, int(time.time() * 1000))
            return self.clock

    def send(self, kind, body='', **named):
        root = attributes(product=self.product, timestamp=self.now(), **named)
        answer = self.post(f'<{kind}{root}>{body}</{kind}>')
        counts = answer['messages'], answer['malformed'], answer['limits_reached']
        assert counts == (1, 0, 0), answer
        return answer

    def alive(self, subscribed=1):
        return self.send('alive', subscribed=subscribed)

    def odds(self, event, *markets, status=None):
        text = f'<sport_event_status{attributes(**status)}/>' if status else ''
        return self.send('odds_change', f'{text}<odds>{"".join(markets)}</odds>', event_id=event)

    def settle(self, event, *markets, certainty=2):
        return self.send('bet_settlement', f'<outcomes>{"".join(markets)}</outcomes>',
                         event_id=event, certainty=certainty)
