"""Signing keys: in files and in a token, changed while the server runs and while it does not."""
import base64
import hashlib
import json
import os
import subprocess
import sys

import pytest
from conftest import make
from lib.server import ENVIRONMENT, ROOT, run
from lib.soft_token import SoftToken
from lib.until import until

VERIFY = os.path.join(ROOT, 'tools', 'verify-receipt')


def verify(*arguments):
    """None when it is good, else what was said."""
    done = subprocess.run([sys.executable, VERIFY, *map(str, arguments)], text=True,
                          capture_output=True, check=False, timeout=60)
    assert done.returncode in (0, 1), done.stderr
    return None if done.returncode == 0 else done.stderr.strip()


def save(path, document):
    path.write_text(json.dumps(document))
    return path


def head_of(made):
    return until(lambda: (lambda r: r.json if r.status == 200 else None)(
        made.server.get('/v1/ledger/head')))


def once_caught_up(ask):
    """The answer when the tree has what was in the log at the start: until then it says so."""
    def look():
        answer = ask()
        return None if answer.status == 503 and answer.code == 'PROOF_NOT_READY' else answer
    return until(look)


def rotate(made, role='admin', **body):
    return once_caught_up(lambda: made.server.desk('/v1/admin/ledger/rotate-key', body, role=role))


def proof(customer, market):
    bet = customer.bet(market, 11, '1').json
    answer = once_caught_up(lambda: customer.call('GET', f'/v1/bets/{bet["bet_id"]}/proof'))
    assert answer.status == 200, answer.body
    return answer.json


def test_a_new_key_takes_over_and_whoever_trusts_the_first_follows(own_book, tmp_path):
    ident, customer = own_book.market(), own_book.bettor()
    first = proof(customer, ident)
    key = first['head']['key']
    assert 'links' not in first
    assert own_book.server.get('/v1/ledger/keys').json == {'key': key, 'links': []}
    old = save(tmp_path / 'old', head_of(own_book))
    for n in range(2):
        done = rotate(own_book, to='file')
        assert done.status == 200, done.body
        assert done.json['kind'] == 'rotation'
        key_now = done.json['new_key']
        assert until(lambda now=key_now: head_of(own_book)['head']['key'] == now)
        keys = own_book.server.get('/v1/ledger/keys').json
        assert keys['key'] == key_now and len(keys['links']) == n + 1
        assert keys['links'][-1] == done.json
    last = proof(customer, ident)
    assert len(last['links']) == 2
    path = save(tmp_path / 'last', last)
    known = save(tmp_path / 'keys', own_book.server.get('/v1/ledger/keys').json)
    assert verify('receipt', path) is None
    assert verify('receipt', path, '--key', key, '--keys', known) is None
    assert verify('receipt', path, '--key', last['head']['key']) is None
    # A receipt of before, by one who knows of the links now.
    assert verify('receipt', save(tmp_path / 'first', first), '--keys', known) is None
    size = json.loads(old.read_text())['head']['tree_size']
    new = save(tmp_path / 'new', own_book.server.get(f'/v1/ledger/head?from={size}').json)
    assert verify('consistency', old, new) is None
    without = {k: v for k, v in last.items() if k != 'links'}
    assert 'no link leads to it' in verify('receipt', save(tmp_path / 'x', without), '--key', key)
    assert own_book.server.terminate() == 0
    said = run('ledger', 'verify', '--data', own_book.server.data, '--head', str(path)).stdout
    assert 'key_links_checked 2\nkey_breaks 0\n' in said
    own_book.server.start()  # with the third key, by itself
    customer.reconnect()
    ident = own_book.market()
    assert proof(customer, ident)['head']['key'] == last['head']['key']
    offline = own_book.server.terminate()
    assert offline == 0
    bet = last['bet_id']
    told = json.loads(run('ledger', 'prove', '--data', own_book.server.data, '--bet', bet).stdout)
    assert told['links'] == last['links']
    assert verify('receipt', save(tmp_path / 'told', told), '--key', key) is None


def test_who_may_change_the_key_and_how_it_is_asked(own_book):
    assert own_book.server.post('/v1/admin/ledger/rotate-key', {'to': 'file'}).status == 404
    assert rotate(own_book, role='trader', to='file').status == 403
    for body in ({}, {'to': 'paper'}, {'to': 'file', 'key': 'x'}, {'to': 'pkcs11', 'key': ''},
                 {'to': 'pkcs11', 'key': 'x' * 65}, {'to': 'file', 'more': 1}, {'to': 5}):
        assert rotate(own_book, **body).status == 400, body
    done = rotate(own_book, to='pkcs11')
    assert done.status == 409 and 'no token is configured' in done.json['detail'], done.body
    assert own_book.server.desk('/v1/admin/ledger/rotate-key', None, role='admin',
                                method='GET').status == 405


class Forger:
    """Signs as the key files do: who has stolen one can do no less."""

    def __init__(self, pem, public=None):
        lines = pem.read_text().split('\n')
        self.secret = base64.b64decode(lines[1])[16:]
        self.public = public

    def sign(self, message):
        """RFC 8032 section 5.1.6, with the arithmetic of the verifier."""
        v = verifier()
        h = hashlib.sha512(self.secret).digest()
        scalar = int.from_bytes(h[:32], 'little') & (1 << 254) - 8 | 1 << 254
        public = encode(v, v.point_times(scalar, v.BASE))
        r = int.from_bytes(hashlib.sha512(h[32:] + message).digest(), 'little') % v.L
        commitment = encode(v, v.point_times(r, v.BASE))
        k = int.from_bytes(hashlib.sha512(commitment + public + message).digest(), 'little') % v.L
        return commitment + ((r + k * scalar) % v.L).to_bytes(32, 'little')


def encode(v, point):
    inverse = pow(point[2], v.P - 2, v.P)
    x, y = point[0] * inverse % v.P, point[1] * inverse % v.P
    return (y | (x & 1) << 255).to_bytes(32, 'little')


def verifier():
    import importlib.machinery  # pylint: disable=import-outside-toplevel
    import importlib.util  # pylint: disable=import-outside-toplevel
    loader = importlib.machinery.SourceFileLoader('verify_receipt', VERIFY)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader('verify_receipt',
                                                                             loader))
    loader.exec_module(module)
    return module


def changed(link, at, more, forger):
    """A link with other bytes in one place, signed again."""
    raw = base64.b64decode(link)
    raw = raw[:at] + more + raw[at + len(more):192]
    return base64.b64encode(raw + forger.sign(raw)).decode()


def test_a_stolen_retired_key_can_forge_nothing_that_is_believed(own_book, tmp_path):
    """The thief has the first key after it was replaced, and another of his own."""
    ident, customer = own_book.market(), own_book.bettor()
    before = save(tmp_path / 'before', proof(customer, ident))
    key = json.loads(before.read_text())['head']['key']
    assert rotate(own_book, to='file').status == 200
    after = proof(customer, ident)
    known = save(tmp_path / 'keys', own_book.server.get('/v1/ledger/keys').json)
    thief = Forger(tmp_path / 'data' / 'keys' / 'ledger-ed25519.pem')
    link, = after['links']

    def refused(links, *options):
        return verify('receipt', save(tmp_path / 'forged', {**after, 'links': links}), *options)

    assert refused([link]) is None
    flipped = base64.b64decode(link)
    flipped = flipped[:150] + bytes([flipped[150] ^ 1]) + flipped[151:]
    assert 'follow' in refused([base64.b64encode(flipped).decode()])
    flipped = base64.b64decode(link)[:200] + bytes(56)
    assert refused([base64.b64encode(flipped).decode()])
    # A second link of the same key, to another key: refused by all who know the first.
    own = changed(link, 112, os.urandom(32), thief)
    assert 'no link leads to it' in refused([own], '--key', key)
    assert 'two different links' in refused([own], '--keys', known)
    # Back-dated: before what somebody already holds of the old key.
    dated = changed(link, 32, (1).to_bytes(8, 'little'), thief)
    old = {'head': json.loads(before.read_text())['head']}
    new = own_book.server.get(f'/v1/ledger/head?from={old["head"]["tree_size"]}').json
    save(tmp_path / 'a', old)
    assert verify('consistency', tmp_path / 'a', save(tmp_path / 'b', new)) is None
    assert 'back-dated' in verify('consistency', tmp_path / 'a',
                                  save(tmp_path / 'b', {**new, 'links': [dated]}))
    # The retired key signs a head of now.
    head = base64.b64decode(after['head']['signed'])
    head = head[:80] + base64.b64decode(key) + head[112:128]
    head = base64.b64encode(head + thief.sign(head)).decode()
    forged = {**after['head'], 'key': key, 'signed': head}
    entries = [{**entry, 'head': head} for entry in after['entries']]
    path = save(tmp_path / 'late', {**after, 'entries': entries, 'head': forged})
    assert 'after its key was replaced' in verify('receipt', path)
    assert own_book.server.terminate() == 0
    done = run('ledger', 'verify', '--data', own_book.server.data, '--head', str(path), check=False)
    assert done.returncode == 3 and 'no longer in use' in done.stderr, done.stderr
    foreign = save(tmp_path / 'foreign', {**after, 'links': [own]})
    done = run('ledger', 'verify', '--data', own_book.server.data, '--head', str(foreign),
               check=False)
    assert done.returncode == 3 and 'one key made two' in done.stderr, done.stderr


def test_the_key_is_changed_offline_also_when_it_is_lost(own_book, tmp_path):
    ident, customer = own_book.market(), own_book.bettor()
    first = proof(customer, ident)
    data = own_book.server.data
    assert run('ledger', 'rotate-key', '--data', data, check=False).returncode == 1  # it runs
    own_book.server.kill()
    link = json.loads(run('ledger', 'rotate-key', '--data', data).stdout)
    assert link['kind'] == 'rotation' and link['old_key'] == first['head']['key']
    assert 'key_links_checked 1\n' in run('ledger', 'verify', '--data', data).stdout
    own_book.server.start()
    customer.reconnect()
    second = proof(customer, own_book.market())
    assert second['head']['key'] == link['new_key']
    path = save(tmp_path / 'second', second)
    assert verify('receipt', path, '--key', first['head']['key']) is None
    own_book.server.kill()
    for name in ('ledger-ed25519.pem', 'ledger-ed25519-2.pem'):
        (tmp_path / 'data' / 'keys' / name).unlink()
    done = run('serve', '--data', data, '--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0',
               check=False)
    assert done.returncode == 1 and 'rotate-key' in done.stderr, done.stderr
    link = json.loads(run('ledger', 'rotate-key', '--data', data, '--lost', 'yes').stdout)
    assert link['kind'] == 'break'
    own_book.server.start()
    customer.reconnect()
    third = proof(customer, own_book.market())
    path = save(tmp_path / 'third', third)
    assert 'the chain of keys was broken' in verify('receipt', path, '--key', first['head']['key'])
    assert verify('receipt', path, '--key', third['head']['key']) is None
    assert own_book.server.terminate() == 0
    said = run('ledger', 'verify', '--data', data).stdout
    assert 'key_links_checked 2\nkey_breaks 1\n' in said


def test_the_key_file_of_another_book_is_not_taken(own_book, tmp_path):
    own_book.server.get('/v1/ledger/head')
    until(lambda: own_book.server.get('/v1/ledger/head').status == 200)
    assert own_book.server.terminate() == 0
    (tmp_path / 'data' / 'keys' / 'ledger-ed25519.pem').unlink()
    done = run('serve', '--data', own_book.server.data, '--listen', '127.0.0.1:0', '--admin',
               '127.0.0.1:0', check=False)
    assert done.returncode == 1 and 'rotate-key' in done.stderr, done.stderr


# ---- tokens ----

@pytest.fixture
def token(tmp_path, monkeypatch):
    made = SoftToken(tmp_path / 'hsm')
    made.add_key('one')
    made.add_key('two')
    for name, value in made.environment.items():  # of the commands, too
        monkeypatch.setitem(ENVIRONMENT, name, value)
    return made


def test_a_token_signs_and_when_it_is_taken_away_bets_go_on(token, tmp_path):
    made = make(tmp_path / 'data', token.options('one') + ['--head-interval-ms', '50'])
    try:
        ident, customer = made.market(), made.bettor()
        first = proof(customer, ident)
        assert verify('receipt', save(tmp_path / 'first', first)) is None
        assert not list((tmp_path / 'data' / 'keys').glob('ledger-*'))
        for _ in range(2):
            token.take_away()
            until(lambda: customer.bet(ident, 11, '1').status == 201
                  and made.server.metric('overround_signer_absent') == 1)
            bet = customer.bet(ident, 11, '1')
            assert bet.status == 201
            answer = customer.call('GET', f'/v1/bets/{bet.json["bet_id"]}/proof')
            assert answer.status == 503 and answer.json['code'] == 'SIGNER_UNAVAILABLE'
            assert rotate(made, to='file').status == 503
            # What is covered by a head that was signed is proved as before.
            path = f'/v1/bets/{first["bet_id"]}/proof'
            assert customer.call('GET', path).status == 200
            token.put_back()
            answer = until(lambda p=f'/v1/bets/{bet.json["bet_id"]}/proof': (
                lambda r: r if r.status == 200 else None)(customer.call('GET', p)))
            assert answer.json['head']['key'] == first['head']['key']
            assert made.server.metric('overround_signer_absent') == 0
        log = made.server.log_text()
        assert 'no signed heads until the signing key is back' in log
        assert 'heads are signed again' in log
        assert made.server.terminate() == 0
    finally:
        made.close()
    assert 'all invariants hold' in made.server.verify()


def test_from_a_file_to_a_token_and_back_online(token, tmp_path):
    made = make(tmp_path / 'data')
    ident, customer = made.market(), made.bettor()
    first = proof(customer, ident)
    assert made.server.terminate() == 0
    made.server.options += token.options('one')
    made.server.start()  # the file signs on: no link leads to the token's key yet
    try:
        customer.reconnect()
        assert head_of(made)['head']['key'] == first['head']['key']
        to_one = rotate(made, to='pkcs11')
        assert to_one.status == 200, to_one.body
        assert rotate(made, to='pkcs11').status == 409  # the same key again
        assert rotate(made, to='pkcs11', key='none').status in (409, 503)
        to_two = rotate(made, to='pkcs11', key='two')
        assert to_two.status == 200, to_two.body
        to_file = rotate(made, to='file')
        assert to_file.status == 200, to_file.body
        assert rotate(made, to='pkcs11').status == 409  # retired
        keys = [first['head']['key']] + [
            link['new_key'] for link in made.server.get('/v1/ledger/keys').json['links']]
        assert len(set(keys)) == 4 and keys[-1] == to_file.json['new_key']
        head = save(tmp_path / 'head', head_of(made))
        assert head_of(made)['head']['key'] == keys[-1]
        made.server.restart()
        assert head_of(made)['head']['key'] == keys[-1]
        assert made.server.terminate() == 0
    finally:
        made.close()
    assert 'key_links_checked 3\n' in run('ledger', 'verify', '--data', made.server.data, '--head',
                                          str(head)).stdout


def test_from_a_file_to_a_token_and_back_offline(token, tmp_path):
    made = make(tmp_path / 'data')
    until(lambda: made.server.get('/v1/ledger/head').status == 200)
    assert made.server.terminate() == 0
    data = made.server.data
    options = token.options('one')
    link = json.loads(run('ledger', 'rotate-key', '--data', data, '--to', 'pkcs11',
                          *options).stdout)
    done = run('ledger', 'head', '--data', data, check=False)  # without the token
    assert done.returncode == 1 and 'neither in keys/ nor in the token' in done.stderr
    head = json.loads(run('ledger', 'head', '--data', data, *options).stdout)
    assert head['key'] == link['new_key']
    back = json.loads(run('ledger', 'rotate-key', '--data', data, *options).stdout)
    assert back['old_key'] == link['new_key']
    assert json.loads(run('ledger', 'head', '--data', data).stdout)['key'] == back['new_key']
    made.close()


def test_a_server_starts_without_its_token_and_not_with_a_wrong_pin(token, tmp_path):
    made = make(tmp_path / 'data', token.options('one'))
    until(lambda: made.server.get('/v1/ledger/head').status == 200)
    assert made.server.terminate() == 0
    token.take_away()
    try:
        made.server.start()
        assert made.server.metric('overround_signer_absent') == 1
        size = made.server.get('/v1/ledger/head').json['head']['tree_size']
        token.put_back()
        until(lambda: made.server.get('/v1/ledger/head').json['head']['tree_size'] > size)
        assert made.server.terminate() == 0
    finally:
        made.close()
    token.pin_file.write_text('9999\n')
    serve = ['serve', '--data', made.server.data, '--listen', '127.0.0.1:0', '--admin',
             '127.0.0.1:0']
    done = run(*serve, *token.options('one'), check=False)
    assert done.returncode == 2 and 'refused the PIN' in done.stderr, done.stderr
    assert '9999' not in done.stderr
    done = run(*serve, *token.options('one')[:4], check=False)
    assert done.returncode == 2 and '--heads-pkcs11-pin-file' in done.stderr


# ---- heads on demand ----

def test_nobody_can_make_the_server_sign_without_bound(tmp_path):
    """No head comes by itself within an hour; each proof of a new bet asks for one."""
    made = make(tmp_path / 'data', ['--head-interval-ms', '3600000', '--heads-on-demand', '5'])
    try:
        ident, customer = made.market(), made.bettor()
        answers = []
        for _ in range(60):
            bet = customer.bet(ident, 11, '1').json
            answers.append(customer.call('GET', f'/v1/bets/{bet["bet_id"]}/proof'))
        statuses = [answer.status for answer in answers]
        assert set(statuses) <= {200, 429}
        refused = [answer for answer in answers if answer.status == 429]
        by_itself = made.server.metric('overround_tree_heads') - statuses.count(200)
        assert by_itself in (0, 1)  # the first of a start
        if refused:  # on a machine that needs 200 ms for each there is nothing to refuse
            assert refused[0].json['code'] == 'HEADS_RATE_LIMITED'
            assert int(refused[0].headers['retry-after']) >= 1
        assert made.server.metric('overround_limit_reached_total',
                                  limit='heads_on_demand') == len(refused)
        # What was refused is proved when it is asked for later.
        until(lambda: customer.call('GET', f'/v1/bets/{bet["bet_id"]}/proof').status == 200)
        none = make(tmp_path / 'none', ['--head-interval-ms', '3600000', '--heads-on-demand', '0'])
        try:
            ident, customer = none.market(), none.bettor()
            head_of(none)  # the first of a start covers no bet that comes behind it
            bet = customer.bet(ident, 11, '1').json
            for _ in range(5):
                answer = customer.call('GET', f'/v1/bets/{bet["bet_id"]}/proof')
                assert answer.status == 429, answer.body
        finally:
            none.close()
    finally:
        made.close()
