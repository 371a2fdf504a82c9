"""Proofs of bets, signed heads, receipts, and the offline commands; checked by
tools/verify-receipt, which shares no code with the book."""
import base64
import http.server
import json
import os
import shutil
import subprocess
import sys
import threading

import pytest
from conftest import Book, make
from lib.server import ROOT, Server, run
from lib.until import until

VERIFY = os.path.join(ROOT, 'tools', 'verify-receipt')


@pytest.fixture(scope='module')
def market(book):
    return book.market()


def verify(*arguments):
    """None when it is good, else what was said."""
    done = subprocess.run([sys.executable, VERIFY, *map(str, arguments)], text=True,
                          capture_output=True, check=False, timeout=60)
    assert done.returncode in (0, 1), done.stderr
    assert (done.returncode == 0) == done.stdout.endswith('good\n'), done
    return None if done.returncode == 0 else done.stderr.strip()


def proof_of(customer, bet_id):
    response = customer.call('GET', f'/v1/bets/{bet_id}/proof')
    assert response.status == 200, response.body
    return response


def head_of(book):
    """The newest one, once there is one."""
    return until(lambda: (r := book.server.get('/v1/ledger/head')).status == 200 and r)


def save(path, response):
    path.write_bytes(response.body)
    return path


def test_a_proof_is_good_at_once_and_says_what_was_bet(book, market, tmp_path):
    customer = book.bettor()
    bet = customer.bet(market, 11, '12.34').json
    response = proof_of(customer, bet['bet_id'])
    entry, = response.json['entries']
    assert entry['ledger_seq'] == bet['ledger_seq']
    assert entry['index'] == int(bet['ledger_seq'].split('-')[1]) - 1
    head = response.json['head']
    assert entry['head'] == head['signed'] and head['tree_size'] > entry['index']
    path = save(tmp_path / 'proof', response)
    assert verify('receipt', path, '--bet', bet['bet_id'], '--key', head['key']) is None
    assert 'another bet' in verify('receipt', path, '--bet', int(bet['bet_id']) + 1)
    other = base64.b64encode(bytes(32)).decode()
    assert 'another key' in verify('receipt', path, '--key', other)


def test_a_settled_bet_is_proved_record_by_record(book, tmp_path):
    ident, customer = book.market(), book.bettor()
    bet = customer.bet(ident, 11).json
    book.feed.settle(ident, winners=[11])
    customer.wait_bet(bet['bet_id'], money='SETTLED')
    response = until(lambda: (lambda r: r if len(r.json['entries']) == 2 else None)(
        proof_of(customer, bet['bet_id'])))
    assert verify('receipt', save(tmp_path / 'proof', response)) is None


def test_who_may_see_a_proof(book, market):
    customer = book.bettor()
    path = f'/v1/bets/{customer.bet(market, 11).json["bet_id"]}/proof'
    assert book.bettor(money=None).call('GET', path).status == 404
    assert book.server.get(path).status == 401
    for role in ('auditor', 'regulator'):
        token = book.server.token(f'{role}-1', role)
        assert customer.call('GET', path, token=token).status == 200
    assert customer.call('POST', path).status == 405
    for wrong in ('/v1/bets/1/proof', '/v1/bets//proof', '/v1/bets/x/proof', path + '/',
                  path + 's'):
        assert customer.call('GET', wrong).status == 404, wrong


def test_heads_follow_one_another(book, market, tmp_path):
    customer = book.bettor()
    customer.bet(market, 11)
    first = head_of(book)
    old = save(tmp_path / 'old', first)
    size = first.json['head']['tree_size']
    for _ in range(30):
        customer.bet(market, 11, '1')
    until(lambda: book.server.get('/v1/ledger/head').json['head']['tree_size'] >= size + 30)
    new = save(tmp_path / 'new', book.server.get(f'/v1/ledger/head?from={size}'))
    assert verify('consistency', old, new) is None
    answer = json.loads(new.read_bytes())
    answer['consistency'][0] = answer['consistency'][-1]
    bad = tmp_path / 'bad'
    bad.write_text(json.dumps(answer))
    assert verify('consistency', old, bad)
    for query, status in (('from=0', 200), ('from=x', 400), ('from=-1', 400),
                          ('from=99999999999', 404), ('from=', 400)):
        assert book.server.get(f'/v1/ledger/head?{query}').status == status, query


def test_a_receipt_is_pushed_within_a_second(book, market, tmp_path):
    customer, other = book.bettor(), book.bettor()
    with book.server.websocket(token=customer.token) as socket, \
            book.server.websocket(token=other.token) as foreign:
        answer = socket.place('r1', 'k1', customer.slip(market, 11))
        assert answer['code'] == 201
        receipt = socket.wait_for(op='receipt')
        assert receipt['bet_id'] == answer['bet']['bet_id']
        path = tmp_path / 'receipt'
        path.write_text(json.dumps(receipt))
        assert verify('receipt', path, '--bet', receipt['bet_id']) is None
        with pytest.raises(TimeoutError):
            foreign.wait_for(op='receipt', seconds=1)


def test_every_flipped_byte_is_rejected(book, market, tmp_path):
    """In one process: the verifier is imported, not started a thousand times."""
    customer = book.bettor()
    good = proof_of(customer, customer.bet(market, 11).json['bet_id']).body
    program = tmp_path / 'flips.py'
    program.write_text(f'''
import importlib.machinery, importlib.util, json, sys
loader = importlib.machinery.SourceFileLoader('verify', {VERIFY!r})
verify = importlib.util.module_from_spec(importlib.util.spec_from_loader('verify', loader))
loader.exec_module(verify)
good = open(sys.argv[1], 'rb').read()
def accepted(text):
    try:
        value = json.loads(text.decode(), object_pairs_hook=verify.once)
        verify.check_receipt(value, [], None, None)
        return True
    except (ValueError, KeyError, TypeError):
        return False
assert accepted(good)
tried = 0
for at in range(len(good)):
    for mask in (1 << at % 8, 0x80 >> at % 5, 0x11):
        bad = good[:at] + bytes([good[at] ^ mask]) + good[at + 1:]
        assert not accepted(bad), (at, mask, bad[at - 9:at + 9])
        tried += 1
    assert not accepted(good[:at])
print(tried, 'rejected')
''')
    path = tmp_path / 'good'
    path.write_bytes(good)
    done = subprocess.run([sys.executable, str(program), str(path)], text=True,
                          capture_output=True, check=False, timeout=120)
    assert done.returncode == 0 and 'rejected' in done.stdout, done.stderr[-2000:]


def test_heads_are_anchored_outside_and_survive_a_webhook_that_fails(tmp_path):
    got, refuse = [], [2]

    class Keeper(http.server.BaseHTTPRequestHandler):
        def do_POST(self):  # pylint: disable=invalid-name
            body = self.rfile.read(int(self.headers['Content-Length']))
            refuse[0] -= 1
            if refuse[0] < 0:
                got.append(json.loads(body))
            self.send_response(503 if refuse[0] >= 0 else 200)
            self.send_header('Content-Length', '0')
            self.end_headers()

        def log_message(self, *_):
            pass

    keeper = http.server.HTTPServer(('127.0.0.1', 0), Keeper)
    threading.Thread(target=keeper.serve_forever, daemon=True).start()
    heads = tmp_path / 'elsewhere'
    made = Book(Server(tmp_path / 'data', '--heads-file', str(heads), '--head-interval-ms', '50',
                       '--heads-webhook', f'http://127.0.0.1:{keeper.server_port}/heads').start())
    try:
        ident, customer = made.market(), made.bettor()
        for _ in range(5):
            customer.bet(ident, 11, '1')
        size = head_of(made).json['head']['tree_size']
        until(lambda: got and got[-1]['tree_size'] >= size)
        assert [h['tree_size'] for h in got] == sorted(h['tree_size'] for h in got)
        lines = heads.read_text().split()
        assert {h['signed'] for h in got} <= set(lines)
        assert made.server.metric('overround_heads_webhook_total', result='failed') == 2
        until(lambda: made.server.metric('overround_tree_behind_records') == 0)
        assert made.server.terminate() == 0
    finally:
        made.close()
        keeper.shutdown()
    out = run('ledger', 'verify', '--data', made.server.data, '--head', str(heads)).stdout
    count = len(heads.read_text().split())
    assert f'heads_outside_checked {count}\n' in out


def test_the_offline_commands_agree_with_the_server(own_book, tmp_path):
    ident, customer = own_book.market(), own_book.bettor()
    bet = customer.bet(ident, 11).json
    first = save(tmp_path / 'head', head_of(own_book))
    own_book.server.kill()  # a crash: the tree is caught up from the log
    data = own_book.server.data
    proof = tmp_path / 'proof'
    proof.write_text(run('ledger', 'prove', '--data', data, '--bet', bet['bet_id']).stdout)
    assert verify('receipt', proof, '--bet', bet['bet_id']) is None
    assert json.loads(run('ledger', 'head', '--data', data).stdout)['tree_size'] > 0
    assert 'all invariants hold' in run('ledger', 'verify', '--data', data, '--head',
                                        str(first)).stdout
    assert run('ledger', 'prove', '--data', data, '--bet', '5', check=False).returncode == 1
    assert run('ledger', 'prove', '--data', data, check=False).returncode == 2
    none = tmp_path / 'none'
    none.write_text('nothing\n')
    assert run('ledger', 'verify', '--data', data, '--head', str(none),
               check=False).returncode == 2


def test_a_server_does_not_start_on_a_ledger_that_lost_signed_records(tmp_path):
    """An old copy of the ledger's folder, put in place of the newer one: whole, and too short."""
    made = make(tmp_path / 'data')
    ident, customer = made.market(), made.bettor()
    customer.bet(ident, 11)
    assert made.server.terminate() == 0
    shutil.copytree(tmp_path / 'data' / 'ledger', tmp_path / 'old')
    made.server.start()
    customer.reconnect()
    bet_again = made.bettor()
    for _ in range(5):
        bet_again.deposit('1.00')
    head = save(tmp_path / 'head', head_of(made))
    until(lambda: save(tmp_path / 'head', head_of(made))
          and json.loads(head.read_bytes())['head']['tree_size'] > 8)
    assert made.server.terminate() == 0
    shutil.rmtree(tmp_path / 'data' / 'ledger')
    shutil.move(tmp_path / 'old', tmp_path / 'data' / 'ledger')
    done = run('serve', '--data', made.server.data, '--listen', '127.0.0.1:0', '--admin',
               '127.0.0.1:0', check=False)
    assert done.returncode == 3 and 'signed head covers' in done.stderr, done.stderr
    shutil.rmtree(tmp_path / 'data' / 'tree')  # even then, who holds a head can tell
    done = run('ledger', 'verify', '--data', made.server.data, '--head', str(head), check=False)
    assert done.returncode == 3 and 'the log ends at record' in done.stderr
