"""The command line: what it prints, and what it says to what it does not understand."""
import json
import re
import subprocess
from contextlib import closing
from decimal import Decimal

import pytest
from conftest import make
from lib.feed import Feed
from lib.http import Http
from lib.server import BINARY, Server, run
from lib.until import until


def test_the_version_names_its_own_binary():
    import hashlib
    with open(BINARY, 'rb') as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    text = run('version').stdout
    assert digest in text and re.search(r'\d+\.\d+\.\d+', text)


@pytest.mark.parametrize('arguments,word', [
    (['dance'], 'dance'), (['serve', '--dance'], '--dance'), (['serve', '--listen'], '--listen'),
    (['serve', '--listen', 'nowhere'], 'nowhere'), (['serve', '--profile', 'x'], 'x'),
    (['serve', '--roles', 'clown'], 'clown'), (['token', '--role', 'king', '--user', 'u'], 'king'),
    (['token'], '--user'), (['ledger', 'dance'], 'dance'),
    (['feed', 'replay', '--format', 'x', '-'], 'x'),
    (['feed', 'replay', '--format', 'betfair', '--speed', 'fast', '-'], 'fast')])
def test_what_is_not_understood_is_named(tmp_path, arguments, word):
    data = [] if arguments[0] in ('dance', 'feed') else ['--data', str(tmp_path / 'data')]
    done = run(*arguments, *data, check=False)
    assert done.returncode != 0
    assert word in done.stderr, done.stderr
    assert 'ready' not in done.stdout


def test_an_unknown_key_in_the_config_is_an_error_that_names_it(tmp_path):
    config = tmp_path / 'overround.conf'
    for text in ('dance = 1\n', '{"dance": 1}\n', 'dance: 1\n'):
        config.write_text(text)
        done = run('serve', '--config', str(config), '--data', str(tmp_path / 'data'), '--listen',
                   '127.0.0.1:0', '--admin', '127.0.0.1:0', check=False)
        assert done.returncode != 0 and done.stderr


def test_an_unknown_variable_of_ours_is_an_error_that_names_it(tmp_path):
    done = subprocess.run([BINARY, 'serve', '--data', str(tmp_path / 'data'), '--listen',
                           '127.0.0.1:0', '--admin', '127.0.0.1:0'],
                          env={'OVERROUND_DANCE': '1', 'PATH': '/usr/bin'}, capture_output=True,
                          text=True, timeout=60, check=False)
    assert done.returncode != 0 and 'DANCE' in done.stderr.upper()


def test_production_refuses_to_start_without_a_choice_for_every_check(tmp_path):
    done = run('serve', '--profile', 'production', '--data', str(tmp_path / 'data'), '--listen',
               '127.0.0.1:0', '--admin', '127.0.0.1:0', check=False)
    assert done.returncode != 0 and done.stderr and 'ready' not in done.stdout


@pytest.mark.parametrize('command', ['verify', 'stat', 'dump', 'replay'])
def test_there_is_no_audit_of_a_ledger_that_is_not_there(tmp_path, command):
    done = run('ledger', command, '--data', str(tmp_path / 'nothing'), check=False)
    assert done.returncode != 0 and done.stderr
    assert not (tmp_path / 'nothing').exists()


def test_health_and_readiness(book):
    for path in ('/healthz', '/readyz'):
        assert book.server.get(path).status == 200


def test_the_metrics_have_the_names_of_the_contract(book):
    market = book.market()
    assert book.bettor().bet(market, 11).status == 201
    names = {name.split('{')[0] for name in book.server.metrics()}
    for name in ('overround_odds_freshness_seconds_count', 'overround_push_latency_seconds_count',
                 'overround_bet_acceptance_seconds_count', 'overround_bets_total',
                 'overround_ledger_commit_seconds_count', 'overround_ledger_commit_bets_count',
                 'overround_settlement_seconds_count', 'overround_settled_bets_total',
                 'overround_odds_store_hits_total', 'overround_odds_store_misses_total',
                 'overround_feed_age_seconds', 'overround_connections',
                 'overround_push_conflated_total', 'overround_limit_reached_total'):
        assert name in names, name
    with Http(book.server.admin) as http:
        head = http.request('GET', '/metrics', token=book.server.token('admin-1', 'admin'))
    assert head.headers['content-type'].startswith('text/plain')


def test_bets_are_counted_by_verdict(book):
    def count(verdict):
        return book.server.metric('overround_bets_total', verdict=verdict)

    market = book.market()
    customer = book.bettor(money='10.00')
    placed, poor = count('PLACED'), count('INSUFFICIENT_BALANCE')
    customer.bet(market, 11, '5.00')
    customer.bet(market, 11, '6.00')
    assert (count('PLACED'), count('INSUFFICIENT_BALANCE')) == (placed + 1, poor + 1)


def test_the_page_is_served_and_says_that_money_is_play_money(tmp_path):
    with Server(tmp_path / 'data', profile='demo') as server:
        page = server.get('/')
        assert page.status == 200 and page.headers['content-type'].startswith('text/html')
        assert 'play money' in page.body.decode().lower()


def test_the_demo_moves_by_itself(tmp_path):
    """Simulated match and bettors: prices change, bets are taken, without anybody's help."""
    with Server(tmp_path / 'data', '--speed', '20', profile=None, command='demo') as server:
        until(lambda: server.metric('overround_bets_total') > 10, 60, 0.3)

        def boards():  # matches that ended some time ago have none
            return [event['scoreboard'] for event in server.get('/v1/events').json['events']
                    if 'scoreboard' in event]
        assert all(board['home'] >= 0 and board['phase'] for board in until(boards))
        until(lambda: any(board['minute'] > 0 for board in boards()), pause=0.3)
        assert server.terminate() == 0
        server.verify()


def test_matches_are_a_feed_and_bettors_a_process_of_their_own(tmp_path):
    with Server(tmp_path / 'data', '--simulator', 'on', '--speed', '20', profile='demo') as server:
        until(lambda: server.get('/v1/events').json['events'])
        with Http(server.admin) as http:  # the desk is not open to all, as a demo's is
            assert http.request('POST', '/v1/demo/session', {}).status == 404
        url = f'http://{server.public[0]}:{server.public[1]}'
        said = json.loads(run('bettors', '--url', url, '--seconds', '8', '--count', '9',
                              '--think-ms', '200').stdout)
        assert said['with_session'] == said['with_money'] == 9
        assert 0 < said['accepted'] <= server.metric('overround_bets_total', verdict='PLACED') + \
            server.metric('overround_bets_total', verdict='PENDING')
        assert server.terminate() == 0
        server.verify()


def test_bettors_whom_nobody_lets_in_say_so(tmp_path):
    with Server(tmp_path / 'data', profile='bench') as server:
        done = run('bettors', '--url', f'http://{server.public[0]}:{server.public[1]}',
                   '--seconds', '1', check=False)
        assert done.returncode == 1 and 'nobody was let in' in done.stderr
    for options, why in ((['--url', 'https://127.0.0.1:1'], 'without TLS'),
                         (['--count', '257'], '--count')):
        done = run('bettors', *options, check=False)
        assert done.returncode == 2 and why in done.stderr


@pytest.mark.parametrize('options, why', [
    (['--roles', 'bet-service', '--odds-store', 'redis://127.0.0.1:1'], 'takes an odds-worker'),
    (['--profile', 'production', '--jwks', 'x', '--check-geo', 'elsewhere', '--check-exclusion',
      'elsewhere', '--check-identity', 'elsewhere', '--check-payments', 'elsewhere'],
     'not with --profile production')])
def test_a_simulator_is_refused_where_it_has_no_place(tmp_path, options, why):
    done = run('serve', '--data', str(tmp_path / 'data'), '--simulator', 'on', *options,
               check=False)
    assert done.returncode == 2 and why in done.stderr, done.stderr


def test_the_margin_is_configuration(tmp_path):
    def price(name, *options):
        with Server(tmp_path / name, *options) as server, closing(Feed(server)) as feed:
            feed.market('1.5', {11: 3.0, 12: 1.5})
            return server.get('/v1/odds/1.5').json['selections'][0]['odds']
    assert price('none', '--margin-permyriad', '0') == Decimal('3.00')
    assert price('ten', '--margin-permyriad', '1000') == Decimal('2.80')


def test_how_much_worse_a_price_may_be_is_configuration(tmp_path):
    with closing(make(tmp_path / 'data', ('--tolerance-permyriad', '100',
                                          '--margin-permyriad', '0'))) as book:
        market, bettor = book.market(), book.bettor()  # at 2.00
        slip = bettor.slip(market, 11, price_policy='within')
        book.feed.price(market, 11, 1.97)
        assert bettor.place(slip).code == 'ODDS_CHANGED'
        book.feed.price(market, 11, 1.98)
        assert bettor.place(slip).json['odds'] == Decimal('1.98')
