"""WebSocket clients that others wrote (PyPI's websockets is in test_deflate.py and the followers):
npm's ws, which checks every frame and packs what it sends."""
import json
import os
import shutil
import subprocess

import pytest
from lib.server import ENVIRONMENT, ROOT

PEER = os.path.join(ROOT, 'tests', 'web', 'ws_peer.mjs')
MANY = {n: round(2 + (n - 11) / 50, 2) for n in range(11, 51)}


@pytest.fixture(scope='module')
def ws_folder(tmp_path_factory):
    """Where npm's ws is installed."""
    folder = tmp_path_factory.mktemp('npm')
    if not shutil.which('npm'):
        pytest.skip('no npm here')
    done = subprocess.run(['npm', 'install', '--no-audit', '--no-fund', '--prefix', str(folder),
                           'ws@8'], cwd=folder, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=120, check=False)
    if done.returncode != 0:
        pytest.skip(f'no ws from npm here: {done.stderr[-200:]}')
    return folder


@pytest.mark.parametrize('packing', [True, False])
def test_npm_ws_agrees(own_book, ws_folder, packing):
    """Compression, subprotocol, ping, a long message that means nothing, prices, the close."""
    server, token = own_book.server, own_book.server.token('npm')
    if not packing:
        server.options += ['--ws-deflate', 'off']
        server.restart()
    market = own_book.market(MANY)
    url = 'ws://%s:%d/v1/stream' % server.public
    # pylint: disable=consider-using-with
    peer = subprocess.Popen(['node', PEER, url, f'market:{market}', token], cwd=ws_folder,
                            stdout=subprocess.PIPE, text=True, env=ENVIRONMENT)
    assert peer.stdout.readline() == 'ready\n'
    versions = []
    for step in range(1, 4):
        own_book.feed.prices(market, {r: round(2 + (r + step) % 40 / 50, 2) for r in MANY})
        versions.append(server.get(f'/v1/odds/{market}').json['odds_version'])
    told = json.loads(peer.stdout.readline())
    assert peer.wait(60) == 0
    assert ('permessage-deflate' in told['extensions']) == packing
    assert told['protocol'] == f'bearer.{token}' and told['accept']
    assert told['snapshot'] == len(MANY) and told['pongs'] == ['are you there']
    assert told['errors'] == ['MALFORMED'] and told['deltas'] == versions
    assert told['close'] == 4001
    if packing:
        assert server.metric('overround_ws_packed_total') > 0
        assert server.metric('overround_ws_unpacked_total') >= 2
        assert server.metric('overround_ws_unpack_refused_total') == 0
