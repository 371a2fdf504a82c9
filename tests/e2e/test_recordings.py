"""Every recorded market is played into the book with bets along the way; each bet must end as the
recording says, by a count of winners that knows nothing of the program."""
import os
import random
from decimal import Decimal
from fractions import Fraction

import pytest
from conftest import make
from lib import recording
from lib.http import Http
from lib.server import run
from lib.until import until

STOPS = 40        # places in a recording where bets are placed
BETS_PER_STOP = 6
WAITS = 2         # stops at which bets in play are given the time of their delay
RESETTLED = '1.131162830'
FILES = recording.files()

pytestmark = pytest.mark.skipif(not FILES, reason='the folder with the recorded feeds is absent')


class Play:
    """One recording on one server."""

    def __init__(self, book, path):
        self.book, self.seen, self.bets, self.waits = book, recording.Recording(), [], WAITS
        self.customer = book.bettor(name='punter', money='100000.00')
        self.chance, self.refused = random.Random(os.path.basename(path)), {}
        lines = recording.lines(path)
        step = max(1, len(lines) // STOPS)
        # The last message is a stop of its own: the closing often is the last one.
        self.blocks = [lines[at:at + step] for at in range(0, len(lines) - 1, step)]
        self.blocks[-1] = [line for line in self.blocks[-1] if line is not lines[-1]]
        self.blocks.append(lines[-1:])

    def play(self):
        for block in self.blocks:
            with Http(self.book.server.admin, timeout=60) as http:
                response = http.request('POST', '/v1/feed/betfair', b'\n'.join(block) + b'\n',
                                        self.book.server.token('feed-1', 'feed'))
            assert response.status in (200, 202, 204), (response.status, response.body)
            for line in block:
                self.seen.see(line)
            pending = self.bet()
            if pending and self.waits:
                self.waits -= 1
                for bet_id in pending:
                    until(lambda b=bet_id: self.customer.read(b)['status'] != 'PENDING')

    def bet(self):
        """Bets on what is offered just now; answers the bets that wait for their delay."""
        known, pending, wanted = self.seen.selections(), [], BETS_PER_STOP
        chosen = [pair for pair in known if pair[0] == RESETTLED]
        chosen += self.chance.sample(known, len(known))
        for market, selection in chosen:
            if wanted == 0:
                break
            shown = self.book.server.get(f'/v1/odds/{market}')
            assert shown.status == 200, (market, shown.status)
            row = [s for s in shown.json['selections'] if s['id'] == selection]
            if not row or not row[0].get('odds'):
                continue
            stake = Decimal(self.chance.randrange(1, 2000)) / 100
            response = self.customer.bet(market, selection, str(stake), price_policy='any')
            if response.status in (201, 202):
                wanted -= 1
                self.bets.append((market, selection, stake, response.json['bet_id']))
                if response.status == 202:
                    pending.append(response.json['bet_id'])
            else:
                assert response.status == 409, response.body
                self.refused[response.code] = self.refused.get(response.code, 0) + 1
        return pending

    def check(self):
        """Every bet against the flags; answers how many ended in each way."""
        ends, expected = {}, Decimal(100000)
        for market, selection, stake, bet_id in self.bets:
            until(lambda b=bet_id: self.customer.read(b)['status'] != 'PENDING')
            outcome = self.seen.outcome(market, selection)
            if outcome:
                until(lambda b=bet_id: self.customer.read(b)['status'] in
                      ('WON', 'LOST', 'VOID', 'NOT_ACCEPTED'))
            bet = self.customer.read(bet_id)
            where = market, selection, bet
            if bet['status'] == 'NOT_ACCEPTED':
                ends['NOT_ACCEPTED'] = ends.get('NOT_ACCEPTED', 0) + 1
                continue
            status, closings = outcome or ('PLACED', 0)
            if outcome:  # a correction may still be under way
                until(lambda b=bet_id, s=status: self.customer.read(b)['status'] == s)
                bet = self.customer.read(bet_id)
            assert bet['status'] == status, where
            odds = Fraction(bet.get('odds_exact') or Fraction(bet['odds']))
            pays = {'WON': Fraction(stake) * odds, 'VOID': Fraction(stake)}.get(status, 0)
            pays = Decimal(int(pays * 100)) / 100
            if outcome:
                assert bet['payout'] == pays, where
            expected += pays - stake
            resettled = any(h.get('reverses') for h in bet['history'])
            assert not resettled or closings > 1, where
            ends[status] = ends.get(status, 0) + 1
        assert self.customer.balance() == expected
        return ends


@pytest.mark.parametrize('path', FILES or ['absent'], ids=os.path.basename)
def test_every_bet_ends_as_the_recording_says(tmp_path, path):
    book = make(tmp_path / 'data')
    try:
        play = Play(book, path)
        play.play()
        assert play.bets, f'no bet was taken: {play.refused}'
        ends = play.check()
        print(f'{os.path.basename(path)}: {len(play.bets)} bets {ends}, refused {play.refused}')
        if any(market == RESETTLED for market, *_ in play.bets):
            corrected = [b for m, _, _, b in play.bets if m == RESETTLED]
            assert any(h.get('reverses') for b in corrected
                       for h in play.customer.read(b)['history']), 'nothing was corrected'
        assert book.server.terminate() == 0
        book.server.verify()
        first = run('ledger', 'replay', '--data', book.server.data).stdout
        assert run('ledger', 'replay', '--data', book.server.data).stdout == first
        # L5: a start from the same log comes to the same state.
        book.server.start()
        play.customer.reconnect()
        for _, _, _, bet_id in play.bets[:20]:
            assert play.customer.read(bet_id)['bet_id'] == bet_id
    finally:
        book.close()


def test_the_command_plays_a_recording_into_a_running_server(tmp_path):
    path = next(p for p in FILES if '1.197931750' in p)
    book = make(tmp_path / 'data')
    try:
        host, port = book.server.admin
        run('feed', 'replay', '--format', 'betfair', '--speed', 'max', '--to',
            f'http://{host}:{port}', '--token', book.server.token('feed-1', 'feed'), path)
        shown = book.server.get('/v1/odds/1.197931750').json
        assert shown['status'] in ('closed', 'settled')
        seen = recording.Recording()
        for line in recording.lines(path):
            seen.see(line)
        assert {s['id'] for s in shown['selections']} == \
            {s for m, s in seen.selections() if m == '1.197931750'}
    finally:
        book.close()
