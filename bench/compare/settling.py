"""How long the bets of one event take to be settled."""
import json
import subprocess
import time
import urllib.request

from contenders import PROGRAM

MARKET, EVENT = 'settled-1', 'settled'
RATE = 10000  # at which they are placed
PATIENCE_S = 60  # of the naive book: then its rate is what counts


def feed(contender, *messages):
    token = subprocess.run([PROGRAM, 'token', '--user', 'compare', '--role', 'feed', '--data',
                            contender.keys], check=True, stdout=subprocess.PIPE,
                           text=True).stdout.strip()
    lines = ''.join(json.dumps({'provider': 'compare', **m}) + '\n' for m in messages)
    request = urllib.request.Request(contender.admin + '/v1/feed/json', lines.encode(),
                                     {'Authorization': f'Bearer {token}',
                                      'Content-Type': 'application/x-ndjson'})
    with urllib.request.urlopen(request, timeout=30) as answer:
        answer.read()


def market(status='active'):
    return {'op': 'market', 'market_id': MARKET, 'event_id': EVENT, 'sport': 'football',
            'status': status, 'selections': [{'id': name, 'odds': 2.0} for name in
                                             ('home', 'away')]}


RESULT = {'op': 'result', 'market_id': MARKET, 'result_version': 1, 'selections': [
    {'selection_id': 'home', 'result': 'WON'}, {'selection_id': 'away', 'result': 'LOST'}]}


def metric(contender, name):
    token = subprocess.run([PROGRAM, 'token', '--user', 'compare', '--role', 'admin', '--data',
                            contender.keys], check=True, stdout=subprocess.PIPE,
                           text=True).stdout.strip()
    request = urllib.request.Request(contender.admin + '/metrics',
                                     headers={'Authorization': f'Bearer {token}'})
    with urllib.request.urlopen(request, timeout=30) as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(line.rsplit(' ', 1)[1]) for line in lines if line.startswith(name))


def place(contender, count):
    """Through the API, by the generator."""
    subprocess.run([PROGRAM, 'load', 'bets', '--data', contender.keys, '--url', contender.url,
                    '--channels', f'market:{MARKET}', '--transport', 'ws', '--rate', str(RATE),
                    '--seconds', str(max(1, count // RATE)), '--warmup', '0', '--users', '1000',
                    '--connections', '64', '--pipeline', '16', '--user-prefix', 'settle'],
                   check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


PLACED, SETTLED = 'overround_bets_total{verdict="PLACED"}', 'overround_settled_bets_total'


def of_book(contender, count):
    feed(contender, market())
    placed, settled = metric(contender, PLACED), metric(contender, SETTLED)
    place(contender, count)
    placed = metric(contender, PLACED) - placed
    begin = time.monotonic()
    feed(contender, RESULT)
    while metric(contender, SETTLED) - settled < placed:
        if time.monotonic() - begin > 120:
            return {'bets': int(placed), 'settled': int(metric(contender, SETTLED) - settled)}
        time.sleep(0.02)
    took = time.monotonic() - begin
    return {'bets': int(placed), 'seconds': round(took, 2), 'per_s': round(placed / took)}


def of_naive(contender, count):
    """Its bets are put into the table by SQL, as placing half a million one by one takes it
    minutes; what is measured is its loop."""
    feed(contender, market())
    contender.put_bets(MARKET, count)
    begin = time.monotonic()
    feed(contender, RESULT)
    while True:
        left = contender.open_bets(MARKET)
        took = time.monotonic() - begin
        if left == 0 or took > PATIENCE_S:
            break
        time.sleep(0.2)
    settled = count - left
    told = {'bets': count, 'settled': settled, 'per_s': round(settled / took)}
    if left == 0:
        told['seconds'] = round(took, 2)
    else:
        told['seconds_projected'] = round(count * took / max(1, settled))
    return told


def settle(contender, count):
    return of_naive(contender, count) if contender.name == 'naive' else of_book(contender, count)
