"""web/client, the reference client: in Node against a real server that is killed and replaced, and
as a package."""
import json
import os
import queue
import shutil
import subprocess
import threading

import pytest
from conftest import make
from lib.http import dumps
from lib.ports import free_port
from lib.server import ENVIRONMENT, ROOT, Server
from lib.until import until

CLIENT = os.path.join(ROOT, 'web', 'client')
SAMPLE = '''import { Stream, MarketBook, decodeCbor } from "overround-client";
import type { BetAnswer, Frame } from "overround-client";

const stream = new Stream({
  url: "wss://book.example/v1/stream", channels: ["sport:football"],
  token: () => null, binary: true,
  WebSocket, // the browser's own fits
  onChange: (ids: string[]) => ids.forEach((id) => stream.book.markets.get(id)?.selections[0].odds),
  onFrame: (frame: Frame) => frame.op === "bet_update",
});
stream.begin();
const answer: Promise<BetAnswer> = stream.placeBet({ market_id: "m", selection_id: "s", stake: 5 });
answer.then(({ code, key }) => code + key.length);
const book: MarketBook = new MarketBook();
const changed: string[] = book.apply(decodeCbor(new Uint8Array())).changed;
// @ts-expect-error: a bet has a stake
stream.placeBet({ market_id: "m", selection_id: "s" });
// @ts-expect-error: no such state
if (stream.state === "lost") changed.push("");
'''


class Client:
    """The script tests/web/live_client.mjs, and all that it tells."""

    def __init__(self, server, channels, user=None, **options):
        options.update(url='ws://%s:%d/v1/stream' % server.public, channels=channels)
        if user:
            options['token'] = server.token(user)
        self.told, self.lines = [], queue.Queue()
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen(
            ['node', os.path.join(ROOT, 'tests', 'web', 'live_client.mjs'), json.dumps(options)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT)
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        for line in self.process.stdout:
            self.told.append(json.loads(line))

    def place(self, bet, key):
        self.process.stdin.write(dumps({'bet': bet, 'key': key}) + '\n')
        self.process.stdin.flush()

    def states(self):
        return [t['state'] for t in list(self.told) if 'state' in t]

    def frames(self, op=None):
        return [t['frame'] for t in list(self.told)
                if 'frame' in t and op in (None, t['frame']['op'])]

    def answers(self):
        return [t['answer'] for t in list(self.told) if 'answer' in t]

    def versions(self):
        return next((t['versions'] for t in reversed(list(self.told)) if 'versions' in t), {})

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(60) == 0


@pytest.fixture
def book(tmp_path):
    """With a port that stays the same from one process to the next."""
    made = make(tmp_path / 'data', listen=f'127.0.0.1:{free_port()}')
    yield made
    made.close()


@pytest.mark.parametrize('binary', [False, True])
def test_bets_and_prices_come_through_a_server_that_is_killed(book, binary):
    market = book.market()
    bettor = book.bettor(name='kim')
    client = Client(book.server, [f'market:{market}'], 'kim', binary=binary)
    until(lambda: client.states()[-1:] == ['live'])
    slip = bettor.slip(market, 11, stake='1.00', price_policy='any')
    for number in range(3):
        client.place(slip, f'js-{number}')
    until(lambda: len(client.answers()) == 3)
    for number in range(3, 15):
        client.place(slip, f'js-{number}')
    book.server.kill()  # some of them have an answer, some a record, some nothing
    until(lambda: client.states()[-1] == 'waiting')
    client.place(slip, 'js-15')
    book.server.start()
    book.feed.again()
    until(lambda: client.states()[-1] == 'live', 60)
    until(lambda: len(client.answers()) == 16, 60)
    newest = book.server.get(f'/v1/odds/{market}').json['odds_version']
    until(lambda: client.versions().get(market) == newest)
    client.close()
    answers = {a['key']: a for a in client.answers()}
    assert len(answers) == 16  # each once
    bettor.reconnect()
    placed = {k: a['bet']['bet_id'] for k, a in answers.items() if a['code'] in (200, 201)}
    assert len(placed) >= 3
    there = [b['bet_id'] for b in bettor.bets() if b.get('status') != 'NOT_ACCEPTED']
    assert sorted(there) == sorted(placed.values())
    shown = [f['odds_version'] for f in client.frames('delta')]
    assert shown == sorted(shown)


def test_it_follows_a_takeover_by_the_hint_and_without_a_snapshot(book):
    market = book.market()
    client = Client(book.server, [f'market:{market}', 'event:9000'], 'kim', binary=True)
    until(lambda: client.states()[-1:] == ['live'])
    snapshots = len(client.frames('snapshot'))
    new = Server(book.server.data, '--take-over', 'yes')
    new.listen = book.server.listen
    new.start()
    try:
        until(lambda: client.states()[-4:] == ['live', 'waiting', 'connecting', 'live'], 60)
        hint = client.frames('reconnect')[0]['after_ms']
        assert [t['retryMs'] for t in client.told if t.get('state') == 'waiting'] == [hint]
        until(lambda: len(client.frames('resumed')) == 2)
        assert len(client.frames('snapshot')) == snapshots
        book.feed.server = new
        book.feed.again()
        newest = new.get(f'/v1/odds/{market}').json['odds_version']
        until(lambda: client.versions().get(market) == newest)
        client.close()
    finally:
        new.kill()


def test_both_forms_give_the_same_frames(book):
    market = book.market({11: 2.0, 12: 3.55, 13: 4.2})
    bettor = book.bettor(name='lee')
    clients = [Client(book.server, [f'market:{market}'], 'lee', binary=form)
               for form in (False, True)]
    for client in clients:
        until(lambda c=client: c.states()[-1:] == ['live'])
    for step in range(1, 6):
        book.feed.price(market, 12, round(3.55 + step / 10, 2))
    assert bettor.bet(market, 11, stake='2.50').status == 201
    assert bettor.deposit('0.25').status == 201
    for client in clients:
        until(lambda c=client: c.frames('balance') and len(c.frames('delta')) >= 5)
        client.place(bettor.slip(market, 13, stake='0.01'), f'{client.process.pid}')
        until(client.answers)
    ops = ('snapshot', 'delta', 'balance', 'bet_update')
    text, packed = [[f for f in c.frames() if f['op'] in ops] for c in clients]
    count = min(len(text), len(packed))
    assert count > 7 and text[:count] == packed[:count]
    answers = [c.answers()[0] for c in clients]
    assert [set(a['bet']) for a in answers][0] == set(answers[1]['bet'])
    assert all(isinstance(a['bet']['stake'], float) for a in answers)
    for client in clients:
        client.close()


# ---- the package ----

def test_the_page_is_served_with_the_client(book):
    answer = book.server.get('/client/stream.js')
    with open(os.path.join(CLIENT, 'stream.js'), 'rb') as file:
        assert answer.body == file.read()
    assert answer.headers['content-type'].startswith('text/javascript')
    assert book.server.get('/client/package.json').status == 404


def npm(*arguments, folder):
    if not shutil.which('npm'):
        pytest.skip('no npm here')
    return subprocess.run(['npm', *arguments], cwd=folder, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=120, check=False)


def test_the_package_holds_its_files_and_nothing_else():
    done = npm('pack', '--dry-run', '--json', folder=CLIENT)
    assert done.returncode == 0, done.stderr
    packed = {file['path'] for file in json.loads(done.stdout)[0]['files']}
    assert packed == set(os.listdir(CLIENT))


def test_the_types_are_strict_and_true_to_the_code(tmp_path):
    done = npm('install', '--no-audit', '--no-fund', '--prefix', str(tmp_path), 'typescript@5',
               folder=tmp_path)
    if done.returncode != 0:
        pytest.skip(f'no typescript from npm here: {done.stderr[-200:]}')
    shutil.copytree(CLIENT, tmp_path / 'node_modules' / 'overround-client')
    (tmp_path / 'sample.mts').write_text(SAMPLE)
    told = subprocess.run(
        [str(tmp_path / 'node_modules' / '.bin' / 'tsc'), '--noEmit', '--strict',
         '--target', 'es2022', '--module', 'nodenext', '--lib', 'es2022,dom', 'sample.mts'],
        cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert told.returncode == 0, told.stdout
    names = subprocess.run(
        ['node', '-e',
         f'import("{CLIENT}/index.js").then(m => console.log(Object.keys(m).join()))'],
        text=True, stdout=subprocess.PIPE, check=True).stdout.strip().split(',')
    with open(os.path.join(CLIENT, 'index.d.ts'), encoding='utf-8') as file:
        declared = file.read()
    for name in names:
        assert any(form % name in declared for form in ('class %s ', 'const %s:', 'function %s('))
