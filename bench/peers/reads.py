"""Small reads: ours beside a bare responder, nginx, h2o, Bun (uWebSockets) and Redis, in turns.

Each has one thread on the server's core and serves the body that we serve. bench-asker asks: 64
connections, one request or sixteen under way on each."""
import contextlib
import json
import os
import shutil
import socket
import statistics
import subprocess

from harness import LOAD_CPU, Feed, Server, clean_environment, pinned
from peers.process import Peer, Responder, free_port, npm_folder, version

PATH = '/v1/odds/1.7000'
CONNECTIONS, DEPTHS, ROUNDS, SECONDS = 64, (1, 16), 3, 2
BATCH = 20


def get(path):
    return (f'GET {path} HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: bench\r\n'
            'Accept: application/json\r\n\r\n').encode()


def ask(bench, server, depth, body=b'', seconds=SECONDS):
    """(the report, the first answer, in which the body must stand)"""
    argv = [bench.program('bench-asker'), server.address, str(server.pid), str(CONNECTIONS),
            str(depth), str(seconds)]
    done = subprocess.run(pinned(LOAD_CPU, argv), input=server.question, check=False, timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment())
    if done.returncode != 0:
        raise RuntimeError(f'bench-asker: {done.stderr[-200:]}')
    if body not in done.stderr:
        raise RuntimeError(f'{server.name} answers {done.stderr[:200]}')
    return json.loads(done.stdout), done.stderr


class Ours:
    """The running server as one of them."""

    name = 'overround'
    settings = 'serve --profile bench; one loop'

    def __init__(self, server, path=PATH):
        self.address, self.pid = server.url.split('//')[1], server.pid
        self.question = get(path)


class Bare(Responder):
    name = 'bare_responder'
    settings = 'bench-ref-http: one recv and one send of equal bytes, nothing parsed'
    question = get(PATH)

    def __init__(self, bench, answer_bytes):
        super().__init__([bench.program('bench-ref-http'), str(answer_bytes)])


NGINX = """daemon off; master_process off; worker_processes 1; pid {folder}/pid;
error_log {folder}/error.log crit;
events {{ worker_connections 4096; }}
http {{ access_log off; keepalive_requests 1000000000; keepalive_timeout 1h;
  default_type application/json; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{ listen 127.0.0.1:{port}; location = {path} {{ return 200 '{body}'; }} }} }}
"""


class Nginx(Peer):
    name = 'nginx'
    question = get(PATH)

    def __init__(self, bench, body):
        program, folder, port = shutil.which('nginx', path=PATHS), bench.fresh('nginx'), free_port()
        config = os.path.join(folder, 'nginx.conf')
        with open(config, 'w', encoding='utf-8') as file:
            file.write(NGINX.format(folder=folder, port=port, path=PATH, body=body.decode()))
        super().__init__([program, '-c', config, '-e', os.path.join(folder, 'error.log')], port)
        self.settings = version(program, '-v') + '; return 200 of the body, one process, no log'


H2O = """listen: {{host: 127.0.0.1, port: {port}}}
num-threads: 1
max-connections: 4096
http1-request-timeout: 3600
error-log: /dev/null
user: root
hosts:
  default:
    paths:
      /: {{file.dir: {folder}/files}}
"""


class H2o(Peer):
    name = 'h2o'
    question = get(PATH)

    def __init__(self, bench, body):
        program, folder, port = shutil.which('h2o', path=PATHS), bench.fresh('h2o'), free_port()
        file = os.path.join(folder, 'files' + PATH)
        os.makedirs(os.path.dirname(file))
        with open(file, 'wb') as out:
            out.write(body)
        config = os.path.join(folder, 'h2o.conf')
        with open(config, 'w', encoding='utf-8') as out:
            out.write(H2O.format(port=port, folder=folder))
        super().__init__([program, '-c', config], port)
        self.settings = version(program, '-v') + '; file.dir, one thread, no log'


class Redis(Peer):
    name = 'redis'
    question = b'*2\r\n$3\r\nGET\r\n$6\r\n1.7000\r\n'

    def __init__(self, _, body):
        program, port = shutil.which('redis-server', path=PATHS), free_port()
        super().__init__([program, '--bind', '127.0.0.1', '--port', str(port), '--save', '',
                          '--appendonly', 'no'], port)
        self.body = body
        self.settings = version(program, '-v')[:40] + '; GET, nothing saved'

    def __enter__(self):
        super().__enter__()
        with socket.create_connection(('127.0.0.1', self.port)) as client:
            client.sendall(b'*3\r\n$3\r\nSET\r\n$6\r\n1.7000\r\n$%d\r\n%s\r\n' %
                           (len(self.body), self.body))
            if not client.recv(64).startswith(b'+OK'):
                raise RuntimeError('redis does not take the value')
        return self


class Bun(Peer):
    name = 'bun'
    question = get(PATH)

    def __init__(self, bench, body):
        modules, port = npm_folder(bench, 'bun'), free_port()
        program = modules and os.path.join(modules, 'bun', 'bin', 'bun.exe')
        if not program:
            raise FileNotFoundError('bun from npm')
        script = os.path.join(bench.fresh('bun'), 'serve.js')
        with open(script, 'w', encoding='utf-8') as file:
            file.write('Bun.serve({hostname: "127.0.0.1", port: %d, routes: {%s: new Response(%s, '
                       '{headers: {"content-type": "application/json"}})}, '
                       'fetch() { return new Response("", {status: 404}); }});' %
                       (port, json.dumps(PATH), json.dumps(body.decode())))
        super().__init__([program, 'run', script], port)
        self.settings = 'Bun ' + version(program, '--version') + '; uWebSockets, a static route'


PATHS = os.pathsep.join((os.environ.get('PATH', ''), '/usr/sbin', '/usr/local/sbin'))
PEERS = (Nginx, H2o, Bun, Redis)


def started(bench, stack, body):
    """The peers that are here; a note for each that is not."""
    for kind in PEERS:
        try:
            yield stack.enter_context(kind(bench, body))
        except (TypeError, OSError, RuntimeError) as error:
            bench.note('reads_peers', f'{kind.name} is not here: {error}')


def middle(reports, name):
    return statistics.median(report[name] for report in reports)


def row_of(server, depth, reports, bare):
    row = {'server': server.name, 'settings': server.settings, 'depth': depth,
           'answer_bytes': reports[0]['answer_bytes']}
    for name in ('answers_per_s', 'server_cpu_us_per_answer', 'server_cpu_share',
                 'generator_cpu_share'):
        row[name] = middle(reports, name)
    # Within a round, so that a machine that changes changes both.
    row['cpu_of_bare'] = round(statistics.median(
        mine['server_cpu_us_per_answer'] / its['server_cpu_us_per_answer']
        for mine, its in zip(reports, bare)), 3)
    row['rounds'] = [report['server_cpu_us_per_answer'] for report in reports]
    return row


def bench_read_peers(bench):
    if bench.program('bench-asker') is None or bench.program('bench-ref-http') is None:
        bench.note('reads_peers', 'bench/bench-asker or bench/bench-ref-http is not built')
        return
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(Server(bench))
        stack.enter_context(Feed(server, BATCH, 0))
        ours = Ours(server)
        report, answer = ask(bench, ours, 1, seconds=1)
        body = answer.partition(b'\r\n\r\n')[2]
        servers = [stack.enter_context(Bare(bench, report['answer_bytes'])), ours,
                   *started(bench, stack, body)]
        found = {(s, depth): [] for s in servers for depth in DEPTHS}
        batch = Ours(server, '/v1/odds?market_id=' +
                     ','.join(f'1.{7000 + n}' for n in range(BATCH)))
        batches = []
        for _ in range(ROUNDS):
            for (one, depth), reports in found.items():
                reports.append(ask(bench, one, depth, b'' if one is servers[0] else body)[0])
            batches.append(ask(bench, batch, 1)[0])
    rows = [row_of(one, depth, reports, found[servers[0], depth])
            for (one, depth), reports in found.items()]
    bench.emit('reads_peers', body_bytes=len(body), connections=CONNECTIONS, rounds=ROUNDS,
               rows=rows)
    bench.emit('reads_batch', markets=BATCH, answer_bytes=batches[0]['answer_bytes'],
               requests_per_s=middle(batches, 'answers_per_s'),
               odds_per_s=BATCH * middle(batches, 'answers_per_s'),
               server_cpu_us_per_request=middle(batches, 'server_cpu_us_per_answer'))
