"""Tokens: who is nobody gets 401, who may not gets 403, whatever the token claims."""
import base64
import hashlib
import hmac
import json
import os
import time

import pytest
from lib.http import Http
from lib.until import until


def part(data):
    return base64.urlsafe_b64encode(data).rstrip(b'=')


def parts(token):
    return [base64.urlsafe_b64decode(p + '=' * (-len(p) % 4)) for p in token.split('.')]


def forge(header, claims, key):
    """A token signed with HMAC under this key."""
    signed = part(json.dumps(header).encode()) + b'.' + part(json.dumps(claims).encode())
    return (signed + b'.' + part(hmac.new(key, signed, hashlib.sha256).digest())).decode()


def status(book, token, path='/v1/account'):
    with book.server.http() as http:
        response = http.request('GET', path, token=token)
        assert response.status == 200 or response.code
        return response.status


def test_a_token_of_this_server_is_good(book):
    assert status(book, book.server.token('good')) in (200, 404)


def test_no_token_is_401_and_says_how(book):
    response = book.server.get('/v1/account')
    assert response.status == 401 and response.code
    assert response.headers['www-authenticate'].startswith('Bearer')


@pytest.mark.parametrize('token', [
    'x', '..', 'a.b.c', 'e30.e30.', 'e30.e30.e30', '.' * 50, 'A' * 4000, '%00', 'a b'])
def test_nonsense_is_401(book, token):
    assert status(book, token) == 401


def test_a_changed_byte_anywhere_is_401(book):
    token = book.server.token('honest')
    for at in range(0, len(token), 7):
        if token[at] != '.':
            other = 'A' if token[at] != 'A' else 'B'
            changed = token[:at] + other + token[at + 1:]
            if parts(changed) != parts(token):  # the last letters may carry unused bits
                assert status(book, changed) == 401, at


def claims_of(book, user='honest'):
    return json.loads(parts(book.server.token(user))[1])


@pytest.mark.parametrize('alg', ['none', 'None', 'NONE', '', None, 'HS256', 'HS512', 'RS256',
                                 'ES256', 'EdDSA', 'hs256'])
@pytest.mark.parametrize('signature', ['', 'empty', 'kept'])
def test_the_header_does_not_choose_how_it_is_verified(book, alg, signature):
    token = book.server.token('honest')
    header = json.loads(parts(token)[0])
    if alg == header['alg'] and signature == 'kept':
        return  # nothing would be forged
    header['alg'] = alg
    payload = part(json.dumps(header).encode()).decode() + '.' + token.split('.')[1] + '.'
    forged = payload + {'': '', 'empty': part(b'\0' * 64).decode(),
                        'kept': token.split('.')[2]}[signature]
    assert status(book, forged) == 401


def test_public_key_material_is_no_hmac_key(book):
    """The classic confusion: HS256 keyed with what everybody may know of the asymmetric key."""
    folder = os.path.join(book.server.data, 'keys')
    kid = json.loads(parts(book.server.token('honest'))[0]).get('kid')
    for name in os.listdir(folder):
        content = open(os.path.join(folder, name), 'rb').read()
        if b'PRIVATE' in content or not (b'PUBLIC' in content or name.endswith('.pub')):
            continue
        for key in (content, content.strip()):
            forged = forge({'alg': 'HS256', 'typ': 'JWT', 'kid': kid}, claims_of(book), key)
            assert status(book, forged) == 401, name


@pytest.mark.parametrize('key', [b'', b'secret', b'\0' * 32, b'null'])
def test_guessed_keys_are_401(book, key):
    for header in ({'alg': 'HS256', 'typ': 'JWT'}, {'alg': 'HS256', 'kid': ''},
                   {'alg': 'HS256', 'kid': '../../../../dev/null'}):
        assert status(book, forge(header, claims_of(book), key)) == 401


def test_key_files_are_private(book):
    folder = os.path.join(book.server.data, 'keys')
    assert os.listdir(folder)
    for name in os.listdir(folder):
        assert os.stat(os.path.join(folder, name)).st_mode & 0o077 == 0, name


def test_an_expired_token_is_401(book):
    token = book.server.token('late', ttl=1)
    until(lambda: status(book, token) == 401)


def test_a_token_that_expires_takes_the_right_to_bet_from_its_socket(book):
    """Prices go on: they need no token."""
    market = book.market()
    customer = book.bettor()
    token = book.server.token(customer.name, ttl=6)  # for a first bet before its end
    with book.server.websocket(token=token) as socket:
        socket.subscribe(f'market:{market}')
        socket.wait_for(op='snapshot')
        slip = customer.slip(market, 11)
        assert socket.place('r1', customer.key(), slip)['code'] == 201
        time.sleep(max(0, json.loads(parts(token)[1])['exp'] - time.time()) + 1.2)
        assert customer.deposit('1.00').status == 201
        socket.wait_for(op='error', code='AUTHORITY_ENDED')  # instead of the balance
        assert socket.place('r2', customer.key(), slip)['code'] == 401
        book.feed.price(market, 11, 2.2)
        socket.wait_for(op='delta')


def test_a_token_of_another_server_is_401(book, tmp_path):
    from lib.server import Server
    with Server(tmp_path / 'other') as other:
        assert status(book, other.token('stranger')) == 401


ROLES = ('bettor', 'trader', 'risk', 'support', 'auditor', 'regulator', 'admin', 'feed')


@pytest.mark.parametrize('role', ROLES)
def test_the_desk_is_for_traders_and_admins(book, role):
    market = book.market()
    response = book.server.desk(f'/v1/admin/markets/{market}/suspend', {'reason': 'x'}, role)
    assert (response.status == 403) == (role not in ('trader', 'admin')), response.body


@pytest.mark.parametrize('role', ROLES)
def test_the_feed_is_for_feeds(book, role):
    with Http(book.server.admin) as http:
        response = http.request('POST', '/v1/feed/betfair', '{"op":"mcm","ct":"HEARTBEAT"}\r\n',
                                book.server.token('f-1', role))
    assert (response.status == 403) == (role != 'feed'), response.body


@pytest.mark.parametrize('role', [r for r in ROLES if r != 'bettor'])
def test_only_bettors_bet(book, role):
    market = book.market()
    slip = book.bettor().slip(market, 11)
    with book.server.http() as http:
        response = http.request('POST', '/v1/bets', slip, book.server.token('x-1', role),
                                {'Idempotency-Key': 'role'})
    assert response.status == 403, response.body


@pytest.mark.parametrize('header', ['Basic abc', 'Bearer', 'bearer', 'Bearer  ', 'Token x'])
def test_an_authorization_of_another_kind_is_401(book, header):
    with book.server.http() as http:
        response = http.request('GET', '/v1/account', headers={'Authorization': header})
    assert response.status == 401
