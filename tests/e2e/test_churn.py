"""Customers who come and go, each from an address of its own, some of them badly, some without a
word: afterwards the server holds what it held before. CHURN_CONNECTIONS=1000000
for the soak (`make soak`)."""
import json
import os
import subprocess
import threading

import pytest
from conftest import make
from lib import netns
from lib.held import closed, descriptors, held
from lib.server import ENVIRONMENT, ROOT
from lib.until import until

CONNECTIONS = int(os.environ.get('CHURN_CONNECTIONS') or 40000)
AT_ONCE, SEED = 400, 1
WARM_UP = 10000          # memory is taken for so many at once, and kept
STUCK_PER_MILLION = 300  # wait for http_header_ms_max; only in a run that is longer than that
VANISH_PER_MILLION = 20000
RESIDENT_GROWTH_MAX = 2 << 20


def churn(server, market, count, stuck=0, vanish=0):
    program = os.path.join(os.environ.get('OVERROUND_BUILD') or os.path.join(ROOT, 'build'),
                           'tests', 'soak', 'churn')
    done = subprocess.run([program, str(server.public[1]), market, str(count), str(AT_ONCE),
                           str(SEED), str(stuck), str(vanish)], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=3600,
                          env=ENVIRONMENT, check=False)
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


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
    assert churn(server, market, WARM_UP)['failed'] == 0
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


@pytest.fixture
def machine():
    """A namespace in which a marked socket says nothing any more."""
    try:
        with netns.namespace() as name:
            netns.silence_marked(name)
            with netns.inside(name):
                yield name
    except netns.Unavailable as error:
        pytest.skip(f'no network namespaces can be made here: {error}')


def test_who_vanishes_without_a_word_leaves_nothing_behind(machine, tmp_path):
    book = make(tmp_path / 'data', ('--ping-ms', '1000', '--pong-ms', '4000'))
    server, market = book.server, book.market()
    before, fds = held(server), descriptors(server)
    assert churn(server, market, AT_ONCE * 10)['failed'] == 0
    at_rest(server, before)
    resident, silent = server.resident_bytes(), closed(server, 'no_pong')
    told = churn(server, market, CONNECTIONS // 10, vanish=VANISH_PER_MILLION)
    assert at_rest(server, before) <= fds + 2
    print(json.dumps(told))
    assert told['failed'] == 0 and told['vanish'] > 0 and netns.dropped(machine) > told['vanish']
    assert closed(server, 'no_pong') - silent == told['vanish']
    assert server.resident_bytes() - resident < RESIDENT_GROWTH_MAX
    book.close()
