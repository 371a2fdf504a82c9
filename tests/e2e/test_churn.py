"""Customers who come and go, each from an address of its own, some of them badly: afterwards the
server holds what it held before. CHURN_CONNECTIONS=1000000 for the soak (`make soak`)."""
import json
import os
import subprocess
import threading

from lib.server import ENVIRONMENT, ROOT
from lib.until import until

CONNECTIONS = int(os.environ.get('CHURN_CONNECTIONS') or 40000)
AT_ONCE, SEED = 400, 1
WARM_UP = 10000          # memory is taken for so many at once, and kept
STUCK_PER_MILLION = 300  # wait for http_header_ms_max; only in a run that is longer than that
RESIDENT_GROWTH_MAX = 2 << 20
# Of connections that are gone nothing may be left.
GAUGES = ('overround_connections', 'overround_receive_bytes', 'overround_outbox_bytes',
          'overround_push_websockets', 'overround_push_subscriptions', 'overround_push_lagging',
          'overround_push_dirty_markets', 'overround_push_event_streams')


def churn(server, market, count, stuck):
    program = os.path.join(os.environ.get('OVERROUND_BUILD') or os.path.join(ROOT, 'build'),
                           'tests', 'soak', 'churn')
    done = subprocess.run([program, str(server.public[1]), market, str(count), str(AT_ONCE),
                           str(SEED), str(stuck)], stdout=subprocess.PIPE, text=True,
                          stderr=subprocess.PIPE, timeout=3600, env=ENVIRONMENT, check=False)
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def held(server):
    """What the server holds for connections: of the public listener where it says which."""
    rows = {name: value for name, value in server.metrics().items()
            if 'listener="admin"' not in name}
    assert set(GAUGES) <= {name.split('{')[0] for name in rows}
    return {gauge: sum(v for name, v in rows.items() if name.split('{')[0] == gauge)
            for gauge in GAUGES}


def descriptors(server):
    return len(os.listdir(f'/proc/{server.process.pid}/fd'))


def at_rest(server, before):
    return until(lambda: held(server) == before and descriptors(server), 60)


def test_a_crowd_that_comes_and_goes_leaves_nothing_behind(own_book):
    server, market = own_book.server, own_book.market()
    before, fds = held(server), descriptors(server)
    stop = threading.Event()

    def move():
        step = 0
        while not stop.wait(0.05):
            step += 1
            own_book.feed.price(market, 11, round(2 + step % 50 / 50, 2))

    mover = threading.Thread(target=move)
    mover.start()
    assert churn(server, market, WARM_UP, 0)['failed'] == 0
    at_rest(server, before)
    resident = server.resident_bytes()
    told = churn(server, market, CONNECTIONS, STUCK_PER_MILLION if CONNECTIONS > 500000 else 0)
    stop.set()
    mover.join()
    assert at_rest(server, before) <= fds + 2, 'descriptors are left'  # of our own question
    growth = server.resident_bytes() - resident
    print(json.dumps({**told, 'resident_before': resident, 'resident_growth': growth,
                      'descriptors': fds}))
    assert told['failed'] == 0 and told['connections'] == CONNECTIONS
    assert server.metric('overround_connections_accepted_total', listener='public') >= CONNECTIONS
    assert growth < RESIDENT_GROWTH_MAX
    with server.websocket() as socket:
        socket.subscribe(f'market:{market}')
        socket.wait_for(op='snapshot')
