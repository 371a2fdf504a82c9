"""docs/api: it is served as it stands, its examples keep its schemas, and requests made from it
are answered as it says, whatever is in them. That every other conversation keeps it is seen to by
lib/api.py, always."""
import itertools
import os
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lib import api, documents, generate
from lib.desk import post
from lib.http import Http, Response, dumps

EXAMPLES = int(os.environ.get('API_EXAMPLES', '40'))
KEYS = itertools.count(1)
# These say that a body is not what the document describes. Others may refuse what it means.
SHAPE = {'MALFORMED_JSON', 'UNKNOWN_FIELD', 'DUPLICATE_FIELD', 'MISSING_FIELD'}


@pytest.mark.parametrize('name', ['openapi.yaml', 'asyncapi.yaml'])
def test_the_documents_are_served_as_they_stand(book, name):
    answer = book.server.get(f'/{name}')
    assert answer.status == 200 and answer.headers['content-type'] == 'application/yaml'
    assert answer.body == (documents.FOLDER / name).read_bytes()
    with book.server.http() as http:
        known = http.request('GET', f'/{name}', headers={'If-None-Match': answer.headers['etag']})
    assert known.status == 304


def bodies(name, node):
    """(where, schema, example) of every body and message below a node."""
    if isinstance(node, dict):
        schema = node.get('schema', node.get('payload'))
        examples = node.get('examples', [])
        if schema is not None and ('example' in node or examples):
            if isinstance(examples, dict):
                examples = list(examples.values())
            for example in [{'value': node['example']}] if 'example' in node else examples:
                yield schema, example.get('value', example.get('payload'))
        for value in node.values():
            yield from bodies(name, value)
    elif isinstance(node, list):
        for value in node:
            yield from bodies(name, value)


@pytest.mark.parametrize('name', ['openapi.yaml', 'asyncapi.yaml'])
def test_every_example_keeps_its_schema(name):
    seen = 0
    for schema, example in bodies(name, documents.document(name)):
        check = documents.validator(documents.strict(name, schema))
        assert documents.problem_of(check, example) is None, example
        seen += 1
    assert seen > 5


@pytest.mark.parametrize('status,headers,body', [
    (418, {}, b'{}'),
    (200, {}, b'{"bets":[],"next_cursor":null}'),
    (200, {'x-request-id': 'a' * 32}, b'{"bets":[]}'),
    (200, {'x-request-id': 'a' * 32}, b'{"bets":[],"next_cursor":null,"more":1}'),
    (400, {}, b'{"type":"about:blank","title":"Bad Request","status":400,"code":"WHO_KNOWS"}'),
    (400, {}, b'{"type":"about:blank","title":"Bad Request","status":422,'
              b'"code":"INVALID_PARAMETER","parameter":"from"}'),
    (503, {},
     b'{"type":"about:blank","title":"Service Unavailable","status":503,"code":"STANDBY"}'),
    (503, {'retry-after': '0'},
     b'{"type":"about:blank","title":"Service Unavailable","status":503,"code":"STANDBY"}')])
def test_what_is_not_documented_is_found(status, headers, body):
    media = 'application/json' if status == 200 else 'application/problem+json'
    answer = Response(status, {'content-type': media, **headers}, body)
    with pytest.raises(api.Undocumented):
        api.http('GET', '/v1/bets', None, answer)
    assert len(api.FAILURES) == 1
    api.FAILURES.clear()


def test_what_a_thread_has_seen_fails_the_test():
    def see():
        with pytest.raises(api.Undocumented):
            api.message({'op': 'delta'})
    thread = threading.Thread(target=see)
    thread.start()
    thread.join()
    with pytest.raises(AssertionError, match='delta'):
        api.check_all()


def schema_of(path, method):
    return documents.request_check(path, method).schema


@pytest.fixture(scope='module')
def ids(book):
    """What paths name: a customer's open bet, its market and event, and a market with a result."""
    market, ended = book.market(), book.market()
    bettor = book.bettor()
    bet = bettor.bet(market, 11).json['bet_id']
    assert post(book, ended, 1, s11='WON', s12='LOST', s13='LOST').status == 200
    return {'{market_id}': market, '{bet_id}': bet, '{event_id}': '9000', '{scope}': 'market',
            '{id}': market, '{proposal_id}': '0-1', '{user_id}': bettor.name}, bettor


REQUESTS = [(path, method) for _, path, item in documents.paths() for method in documents.METHODS
            if method in item and documents.request_check(path, method)]


@pytest.mark.parametrize('path,method', REQUESTS)
def test_generated_requests_are_answered_as_documented(book, ids, path, method):
    names, bettor = ids
    here = {'market_id': names['{market_id}'], 'selection_id': '11', 'currency': 'GBP'}
    target = path
    for name, value in names.items():
        target = target.replace(name, value)
    admin = path.startswith('/v1/admin/')
    token = book.server.token('desk-api', 'admin') if admin else bettor.token
    schema = schema_of(path, method)
    fits = documents.request_check(path, method)

    @settings(max_examples=EXAMPLES, deadline=None, database=None,
              derandomize='API_EXAMPLES' not in os.environ,
              suppress_health_check=list(HealthCheck))
    @given(st.one_of(generate.values(schema), generate.spoiled(schema)), st.booleans())
    def hold(body, known):
        # dumps() writes decimals as they are, and reading them back is what the server does.
        body = api.loads(dumps(generate.named(body, here) if known else body))
        key = {} if 'idempotency_key' in body else {'Idempotency-Key': f'api-{next(KEYS)}'}
        answer = http.request(method.upper(), target, body, token, key)
        assert answer.status < 500 or answer.status == 503, answer
        if answer.status >= 400 and documents.problem_of(fits, body) is None:
            assert answer.code not in SHAPE, (answer.body, body)

    with Http(book.server.admin if admin else book.server.public) as http:
        hold()


