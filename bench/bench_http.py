"""Our HTTP alone: what a request costs when there is no book behind it."""
import json

from peers.process import Responder
from peers.reads import CONNECTIONS, DEPTHS, PATH, ask, get


class Alone(Responder):
    name = 'http'
    question = get(PATH)


def bench_http(bench):
    if bench.program('bench-http') is None or bench.program('bench-asker') is None:
        bench.note('http', 'bench/bench-http or bench/bench-asker is not built')
        return
    for depth in DEPTHS:
        with Alone([bench.program('bench-http')]) as server:
            report = ask(bench, server, depth, seconds=bench.seconds)[0]
        bench.emit('http', connections=CONNECTIONS, depth=depth,
                   requests_per_second=report['answers_per_s'],
                   server_cpu_us_per_request=report['server_cpu_us_per_answer'],
                   **json.loads(server.last_words))
