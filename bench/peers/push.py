"""Fan-out to a thousand: ours beside nats-server, npm's ws and Bun (uWebSockets), in turns.

The same crowd (bench-crowd) subscribes at each and counts what it gets. Theirs is published by the
crowd over one more connection and stamped there; ours comes from a provider's feed and is stamped
when the server has read it. One at a time counts from the publication for all of them."""
import json
import os
import shutil
import statistics
import struct
import subprocess

from harness import LOAD_CPU, Feed, Server, clean_environment, pinned
from peers.process import Peer, free_port, npm_folder, version
from peers.reads import PATHS

CLIENTS, RATES, ROUNDS, SECONDS = 1000, (0, 1000, 2000), 3, 4
PAYLOAD_BYTES = 250  # of bench-crowd
SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'push_node.mjs')


def hello(path, protocol=''):
    return (f'GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade'
            '\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n' +
            (f'Sec-WebSocket-Protocol: {protocol}\r\n' if protocol else '') + '\r\n').encode()


def frame_head(opcode, size):
    """A client's frame with a mask of zeros, which leaves the bytes as they are."""
    if size < 126:
        return struct.pack('!BB', 0x80 | opcode, 0x80 | size) + bytes(4)
    return struct.pack('!BBH', 0x80 | opcode, 0x80 | 126, size) + bytes(4)


def frame(opcode, payload):
    return frame_head(opcode, len(payload)) + payload


class Ours:
    name, settings, words, publish_at = 'overround', 'serve --profile bench; one loop', {
        'hello': hello('/v1/stream'),
        'subscribe': frame(1, b'{"op":"subscribe","channels":["market:1.7000"]}')}, '-'

    def __init__(self, server):
        self.server, self.pid, self.address = server, server.pid, server.url.split('//')[1]


class Nats(Peer):
    name = 'nats-server'

    def __init__(self, bench):
        program = shutil.which('nats-server', path=PATHS)
        port, self.plain, folder = free_port(), free_port(), bench.fresh('nats')
        config = os.path.join(folder, 'nats.conf')
        with open(config, 'w', encoding='utf-8') as file:
            file.write(f'host: 127.0.0.1\nport: {self.plain}\nmax_pending: 256MB\n'
                       f'write_deadline: "60s"\nwebsocket {{ host: "127.0.0.1", port: {port}, '
                       'no_tls: true, compression: false }\n')
        super().__init__([program, '-c', config], port)
        self.settings = version(program, '--version') + '; websocket without TLS and compression'
        self.publish_at = f'127.0.0.1:{self.plain}'
        connect = b'CONNECT {"verbose":false,"pedantic":false,"echo":false}\r\n'
        self.words = {'hello': hello('/'), 'subscribe': frame(2, connect + b'SUB market 1\r\n'),
                      'publisher': connect, 'before': b'PUB market %d\r\n' % PAYLOAD_BYTES,
                      'after': b'\r\n'}


class Script(Peer):
    words = {'hello': hello('/'), 'subscribe': frame(1, b'subscribe'),
             'publisher': hello('/publish'), 'before': frame_head(1, PAYLOAD_BYTES), 'after': b''}

    @property
    def publish_at(self):
        return self.address


class NodeWs(Script):
    name = 'node_ws'

    def __init__(self, bench):
        modules, port = npm_folder(bench, 'ws'), free_port()
        node = shutil.which('node')
        if not modules or not node:
            raise FileNotFoundError('node, or ws from npm')
        library = os.path.join(modules, 'ws', 'wrapper.mjs')
        super().__init__([node, SCRIPT, str(port), library], port)
        with open(os.path.join(modules, 'ws', 'package.json'), encoding='utf-8') as file:
            its = json.load(file)['version']
        self.settings = f'ws {its}, node {version(node, "--version")}; a send for each client, ' \
                        'no compression'


class BunPush(Script):
    name = 'bun'

    def __init__(self, bench):
        modules, port = npm_folder(bench, 'bun'), free_port()
        program = modules and os.path.join(modules, 'bun', 'bin', 'bun.exe')
        if not program:
            raise FileNotFoundError('bun from npm')
        super().__init__([program, 'run', SCRIPT, str(port)], port)
        self.settings = 'Bun ' + version(program, '--version') + '; uWebSockets, publish to a topic'


def write_words(bench, name, words):
    folder = bench.fresh(name + '-words')
    for word, said in words.items():
        with open(os.path.join(folder, word), 'wb') as file:
            file.write(said)
    return folder


def crowd(bench, server, rate, asks=subprocess.DEVNULL):
    folder = write_words(bench, server.name, server.words)
    argv = [bench.program('bench-crowd'), server.address, server.publish_at, str(server.pid),
            str(CLIENTS), str(rate), str(SECONDS), folder]
    done = subprocess.run(pinned(LOAD_CPU, argv), check=False, stdin=subprocess.DEVNULL,
                          stdout=asks, stderr=subprocess.PIPE, text=True, timeout=120,
                          env=clean_environment())
    if done.returncode != 0:
        raise RuntimeError(f'{server.name}: {done.stderr[-300:]}')
    return json.loads(done.stderr)


def one_of_ours(bench, rate):
    with Server(bench) as server, Feed(server, 1, rate) as feed:
        return crowd(bench, Ours(server), rate, feed.asks if rate == 0 else subprocess.DEVNULL)


def one_of(bench, kind, rate):
    with kind(bench) as peer:
        return {'settings': peer.settings, **crowd(bench, peer, rate)}


def row_of(name, rate, reports):
    def middle(of):
        return statistics.median(of(report) for report in reports)

    row = {'server': name, 'rate': rate, 'settings': reports[0].get('settings', Ours.settings)}
    for key in ('deliveries_per_s', 'server_cpu_us_per_delivery', 'server_cpu_share',
                'generator_cpu_share'):
        row[key] = middle(lambda r, k=key: r[k])
    shown = 'round_us' if rate == 0 else 'latency_us'
    row[shown] = {p: middle(lambda r, p=p: r[shown][p]) for p in ('p50', 'p99')}
    return row


def bench_push_peers(bench):
    if bench.program('bench-crowd') is None or bench.program('bench-market-feed') is None:
        bench.note('push_peers', 'bench/bench-crowd or bench/bench-market-feed is not built')
        return
    for rate in RATES:
        found, absent = {}, set()
        for _ in range(ROUNDS):
            found.setdefault(Ours.name, []).append(one_of_ours(bench, rate))
            for kind in (Nats, NodeWs, BunPush):
                if kind in absent:
                    continue
                try:
                    found.setdefault(kind.name, []).append(one_of(bench, kind, rate))
                except (TypeError, OSError, RuntimeError) as error:
                    absent.add(kind)
                    found.pop(kind.name, None)
                    bench.note('push_peers', f'{kind.name} at {rate}: {error}')
        bench.emit('push_peers', clients=CLIENTS, payload_bytes=PAYLOAD_BYTES, rounds=ROUNDS,
                   rate=rate, rows=[row_of(name, rate, reports) for name, reports in found.items()])
