"""V0-35: two processes of V0 behind a load balancer (deploy/haproxy/naive.cfg): what it adds to a
read, how many requests it carries, and whether they go round."""
import json
import os
import subprocess

from contenders import PROGRAM, Member, engines, metric, roles
from settling import feed, market

PROXY = os.path.join(engines.ROOT, 'deploy', 'haproxy', 'naive.cfg')
CALM_RATE = 300
POLLS, MARKET = 'overround_naive_polls_total', 'balanced-1'


def reads(url, path, rate, seconds):
    done = subprocess.run([PROGRAM, 'load', 'reads', '--url', url, '--path', path, '--rate',
                           str(rate), '--seconds', str(seconds), '--warmup', '1'], check=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True)
    return json.loads(done.stdout)


def per_s(report, seconds):
    return round(report['succeeded'] / seconds)


def second_process(contender):
    """The same program over the same database; its keys are the first one's."""
    public, admin = engines.free_ports(2)
    contender.supervisor.start(Member('naive-2', contender.command(public, admin),
                                      lambda: roles.says_ready(public)))
    return public, admin


def balance(contender, rates, seconds):
    """{...}: see table.py. `rates`: rising, of requests that ask no database."""
    public, admin = second_process(contender)
    port = engines.free_ports(1)[0]
    environment = {'OVERROUND_BIND': engines.local(port),
                   'OVERROUND_NAIVE_1': contender.url.split('//')[1],
                   'OVERROUND_NAIVE_2': engines.local(public)}
    contender.supervisor.start(Member('haproxy', ['haproxy', '-db', '-f', PROXY],
                                      lambda: roles.says_ready(port), environment=environment))
    feed(contender, market(MARKET))
    through, path = f'http://{engines.local(port)}', f'/v1/odds/{MARKET}'
    direct = reads(contender.url, path, CALM_RATE, seconds)
    before = [metric(contender, POLLS), metric(contender, POLLS, admin)]
    balanced = reads(through, path, CALM_RATE, seconds)
    shares = [metric(contender, POLLS) - before[0], metric(contender, POLLS, admin) - before[1]]
    told = {'direct_p50_ms': direct['latency_us']['p50'] / 1000,
            'through_p50_ms': balanced['latency_us']['p50'] / 1000,
            'shares_percent': [round(100 * n / max(1, sum(shares)), 1) for n in shares],
            'carried_per_s': 0}
    for rate in rates:
        carried = per_s(reads(through, '/healthz', rate, seconds), seconds)
        told['carried_per_s'] = max(told['carried_per_s'], carried)
        if carried < 0.9 * rate:
            break
    return told
