"""How long the bets of one event take to be settled."""
import json
import subprocess
import threading
import time
import urllib.request

from contenders import PROGRAM, metric

RATE = 20000  # at which they are placed
ALIVE_S = 1   # between two signs of life of the prices' provider
ROUNDS = 6    # of placing, until there are as many as were asked for
PATIENCE_S = 40  # then the rate so far is what counts


def feed(contender, *messages):
    lines = ''.join(json.dumps({'provider': 'compare', **m}) + '\n' for m in messages)
    request = urllib.request.Request(contender.admin + '/v1/feed/json', lines.encode(),
                                     {'Authorization': f'Bearer {contender.token("feed")}',
                                      'Content-Type': 'application/x-ndjson'})
    with urllib.request.urlopen(request, timeout=30) as answer:
        answer.read()


def market(name):
    return {'op': 'market', 'market_id': name, 'event_id': f'event-{name}', 'sport': 'football',
            'status': 'active', 'selections': [{'id': side, 'odds': 2.0} for side in
                                               ('home', 'away')]}


def result(name):
    return {'op': 'result', 'market_id': name, 'result_version': 1, 'selections': [
        {'selection_id': 'home', 'result': 'WON'}, {'selection_id': 'away', 'result': 'LOST'}]}


def place(contender, name, rate, seconds):
    """Through the API, by the generator."""
    subprocess.run([PROGRAM, 'load', 'bets', '--data', contender.keys, '--url', contender.url,
                    '--channels', f'market:{name}', '--transport', 'ws', '--rate', str(rate),
                    '--seconds', str(seconds), '--warmup', '0', '--users', '1000',
                    '--connections', '512', '--pipeline', '16', '--user-prefix', 'settle'],
                   check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


PLACED, SETTLED = 'overround_bets_total{verdict="PLACED"}', 'overround_settled_bets_total'


def keep_alive(contender, done):
    """A price can be bet on for as long as its provider is heard, so it is."""
    while not done.wait(ALIVE_S):
        feed(contender, {'op': 'heartbeat'})


def place_all(contender, name, count):
    """How many there are at the end, some more than were asked for."""
    before, placed, done = metric(contender, PLACED), 0, threading.Event()
    alive = threading.Thread(target=keep_alive, args=(contender, done))
    feed(contender, market(name))
    alive.start()
    try:
        for _ in range(ROUNDS):
            left = count - placed
            if left <= 0:
                break
            rate = min(RATE, max(left, RATE // 10))
            place(contender, name, rate, max(1, left // rate))
            placed = int(metric(contender, PLACED) - before)
    finally:
        done.set()
        alive.join()
    return placed


def outcome(told, done, took):
    """Whoever is not through in PATIENCE_S has a rate, and a time that follows from it."""
    told.update(settled=int(done), per_s=round(done / took))
    if done >= told['bets']:
        told['seconds'] = round(took, 2)
    else:
        told['seconds_projected'] = round(told['bets'] * took / max(1, done))
    return told


def settle(contender, count):
    """V0's bets are put into the table by SQL, as placing half a million one by one takes it
    minutes; what is measured is its loop."""
    name = f'settled-{count}'
    settled, kept = metric(contender, SETTLED), contender.kept_bytes()
    if contender.name == 'naive':
        feed(contender, market(name))
        contender.put_bets(name, count)
        placed = count
    else:
        placed = place_all(contender, name, count)
    told = {'bets': placed,
            'kept_bytes_per_bet': round((contender.kept_bytes() - kept) / max(1, placed))}
    begin = time.monotonic()
    feed(contender, result(name))
    while True:
        done, took = metric(contender, SETTLED) - settled, time.monotonic() - begin
        if done >= placed or took > PATIENCE_S:
            return outcome(told, done, took)
        time.sleep(0.02)
