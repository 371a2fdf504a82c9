"""tools/check-api: what it must not let pass."""
import json

import pytest

FILES = ('/', '/{file}', '/openapi.yaml', '/asyncapi.yaml')
ROUTES = '''static const struct row rows[] = {
    {"/v1/bets/{bet_id}", ROUTE_READ |
         ROUTE_POST, ROUTE_BET},
};
void f(void) { http_reply_problem(to, 404, "GONE", SLICE("no")); say("NOT_FOUND"); }
'''


def operation(name, **responses):
    return {'operationId': name, 'tags': ['x'], 'responses': {'default': {}, **responses}}


def document(paths=None, codes=('GONE', 'NOT_FOUND'), **components):
    paths = paths or {'/v1/bets/{bet_id}': {'get': operation('a'), 'post': operation('b')}}
    return {'paths': {**{f: {'get': operation(f)} for f in FILES}, **paths},
            'x': {'$ref': '#/components/schemas/Problem'},
            'components': {'schemas': {
                'Problem': {'properties': {'code': {'enum': list(codes)}}}, **components}}}


def check(tree, api=None, source=ROUTES):
    tree.write('src/roles/gateway/gateway.c', source)
    tree.write('docs/api/openapi.yaml', json.dumps(api or document()))
    tree.write('docs/api/asyncapi.yaml', '{}')
    return tree.run('check-api')


def test_documents_that_are_whole_pass(tree):
    assert check(tree) == (0, '')


@pytest.mark.parametrize('source,words', [
    (ROUTES.replace('{"/v1/bets/', '{"/v1/odds", ROUTE_GET, X},\n{"/v1/bets/'),
     'get /v1/odds is served, and not in'),
    (ROUTES.replace('ROUTE_READ |', 'ROUTE_PUT |'), 'put /v1/bets/{bet_id} is served'),
    (ROUTES.replace('ROUTE_READ |', ''), 'get /v1/bets/{bet_id} is in openapi.yaml, and not'),
    (ROUTES.replace('"GONE"', '"BUSY"'), 'gateway.c: BUSY stands in no document'),
    (ROUTES.replace('"NOT_FOUND"', '"NOT_READY"'), 'NOT_READY stands in no document'),
    (ROUTES.replace('"GONE"', '"NOT_FOUND"'), 'GONE stands in a document, and nobody says it'),
    (ROUTES + '#define L(X) X(STAKE_LIMIT, 14, 422)', 'the verdict STAKE_LIMIT stands in no')])
def test_what_is_served_and_not_told_or_told_and_not_served_fails(tree, source, words):
    status, output = check(tree, source=source)
    assert status == 1 and words in output


@pytest.mark.parametrize('api,words', [
    (document({'/v1/bets/{bet_id}': {'get': operation('a'), 'post': operation('a')}}),
     'post /v1/bets/{bet_id}: an operationId of its own'),
    (document({'/v1/bets/{bet_id}': {'get': operation('a'),
                                     'post': {'operationId': 'b', 'tags': ['x']}}}),
     'post /v1/bets/{bet_id}: tags, and'),
    (document(Unused={}), 'nothing uses components/schemas/Unused'),
    ({**document(), 'y': {'$ref': '#/components/schemas/Gone'}}, 'leads nowhere'),
    ({**document(), 'y': {'$ref': 'other.yaml#/a'}}, 'leads nowhere')])
def test_a_document_that_is_not_sound_fails(tree, api, words):
    status, output = check(tree, api)
    assert status == 1 and words in output
