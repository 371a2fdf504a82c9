"""The load generator against the running server: what it reports is what happened."""
import json
import threading

import pytest
from conftest import make
from lib.server import run


def load(book, kind, *options, seconds=1):
    done = run('load', kind, '--url', 'http://%s:%d' % book.server.public, '--data',
               book.server.data, '--seconds', str(seconds), '--warmup', '0', *options)
    return json.loads(done.stdout)


@pytest.mark.parametrize('transport', ['http', 'ws'])
def test_bets_are_sent_at_their_rate_and_every_one_is_answered(book, transport):
    market = book.market()
    before = book.server.metrics()['overround_bets_total{verdict="PLACED"}']
    report = load(book, 'bets', '--channels', f'market:{market}', '--rate', '300', '--users', '20',
                  '--connections', '10', '--transport', transport, '--user-prefix', transport)
    assert report['sent'] == report['answered'] == report['succeeded'] == 300
    assert report['codes'] == [{'status': 201, 'code': '', 'count': 300}]
    assert report['latency_us']['count'] == 300
    placed = book.server.metrics()['overround_bets_total{verdict="PLACED"}'] - before
    assert placed == 300


def one_socket(book, market, *options):
    """Bets over one WebSocket, far faster than its limit: 200 operations and 50 more a second."""
    return load(book, 'bets', '--channels', f'market:{market}', '--rate', '600', '--users', '1',
                '--connections', '1', '--pipeline', '16', '--transport', 'ws', *options)


def test_without_rate_limits_one_websocket_takes_every_bet(book):
    report = one_socket(book, book.market(), '--user-prefix', 'unlimited')
    assert report['sent'] == report['answered'] == report['succeeded'] == 600
    assert book.server.metric('overround_limit_reached_total', limit='odds_ops_burst_max') == 0


def test_a_bet_that_is_an_operation_too_many_is_counted_as_refused(tmp_path):
    book = make(tmp_path / 'data', ('--bets-per-minute', '0', '--address-requests', '0'),
                profile='demo')
    try:
        report = one_socket(book, book.market())
        codes = {(row['status'], row['code']): row['count'] for row in report['codes']}
        assert report['sent'] == report['answered'] == 600
        assert set(codes) == {(201, ''), (429, 'RATE_LIMITED')} and codes[201, ''] >= 200
        refused = book.server.metric('overround_limit_reached_total', limit='odds_ops_burst_max')
        assert codes[429, 'RATE_LIMITED'] == refused
    finally:
        book.close()


def test_subscribers_see_every_change_in_order(book):
    market = book.market()
    ended = threading.Event()

    def move():
        step = 0
        while not ended.wait(0.02):
            step += 1
            book.feed.price(market, 11, 2.0 + step % 5 / 5)

    mover = threading.Thread(target=move)
    mover.start()
    report = load(book, 'subscribe', '--channels', f'market:{market}', '--clients', '20',
                  seconds=4)  # the mover may stand still for some of it
    ended.set()
    mover.join()
    assert report['clients_open'] == 20 and report['closed'] == 0
    assert report['deltas'] >= 20 and report['deltas'] == report['latency_us']['count']
    assert (report['gaps'], report['repeats'], report['malformed'], report['errors']) == (0,) * 4


def test_prices_are_read_one_by_one_and_in_batches(book):
    book.market(event='31')
    book.market(event='31')
    for batch in ('1', '2'):
        report = load(book, 'reads', '--channels', 'event:31', '--rate', '200', '--batch', batch)
        assert report['codes'] == [{'status': 200, 'code': '', 'count': 200}]


@pytest.mark.parametrize('options,word', [
    ([], 'bets, reads, subscribe'), (['dance'], 'dance'),
    (['bets', '--transport', 'pigeon'], 'pigeon'), (['bets', '--url', 'https://x'], 'https://x'),
    (['bets', '--rate', '0'], '--rate'), (['bets', '--stake-max', '0.50'], '--stake-max'),
    (['bets', '--deposit', 'much'], 'much'), (['world', '--bettors', 'shout'], 'shout')])
def test_what_the_generator_does_not_understand_is_named(options, word):
    done = run('load', *options, check=False)
    assert done.returncode == 2 and word in done.stderr, done.stderr


@pytest.mark.parametrize('bettors', ['poll', 'stream'])
def test_a_match_day_is_played_and_reported(book, bettors, tmp_path):
    """Every act has its answer, prices are seen as late as the way of asking makes them, and the
    page for people holds the same report."""
    page = tmp_path / 'day.html'
    before = book.server.metrics()['overround_bets_total{verdict="PLACED"}']
    report = load(book, 'world', '--admin-url', 'http://%s:%d' % book.server.admin, '--bettors',
                  bettors, '--users', '40', '--markets', '3', '--poll-ms', '500', '--bet-ms',
                  '1000', '--calm-ms', '200', '--volatile-ms', '100', '--goal-ms', '2000',
                  '--suspended-ms', '300', '--leave-ms', '2000', '--user-prefix', f'day-{bettors}',
                  '--seed', '5', '--html', str(page), seconds=4)
    bets = report['bets']
    assert bets['sent'] == bets['answered'] + bets['lost'] > 50
    placed = book.server.metrics()['overround_bets_total{verdict="PLACED"}'] - before
    assert placed >= bets['succeeded'] > 0
    assert (report['duplicates'], report['generator']['beyond']) == (0, 0)
    assert report['goals'] > 0 and report['disconnects'] > 0
    assert report['sight_us']['count'] > 0
    assert sum(second['accepted'] for second in report['series']) >= bets['succeeded']
    if bettors == 'poll':
        assert report['polls']['succeeded'] > 100
        assert report['sight_us']['p50'] > 50_000  # they ask each half of a second
    else:
        assert report['polls']['sent'] == 0
    text = page.read_text(encoding='utf-8')
    inside = text.split('id="report">', 1)[1].split('</script>', 1)[0]
    assert json.loads(inside) == report
    assert 'http://' not in text.replace('http://www.w3.org/2000/svg', '')
