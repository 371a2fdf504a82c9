"""Holds every conversation against docs/api: a status, header, member or code that is not
documented there is a failure of the test during which it came, whichever thread has seen it."""
import json
import re
from decimal import Decimal
from functools import lru_cache

from . import documents

FAILURES = []
# Followers of a channel get the same bytes: what was found good is looked at once.
TEXTS_KEPT = 4096
# Who is refused for now is told when to come back, whatever the route: seconds, at least one.
FOR_NOW = {429, 503}


class Undocumented(AssertionError):
    """The server and docs/api disagree."""


def fail(text):
    FAILURES.append(text)
    raise Undocumented(text)


def loads(text):
    """JSON with exact numbers."""
    return json.loads(text, parse_float=Decimal)


def check(problem, where, value):
    if problem:
        fail(f'{where}: {problem}\n{str(value)[:1500]}')


def check_headers(where, answer, wanted):
    for name, (required, validator) in wanted.items():
        value = answer.headers.get(name)
        if value is None and required:
            fail(f'{where}: no {name}')
        if value is not None:
            check(documents.problem_of(validator, value), f'{where}: {name}', value)


def check_content(where, answer, content):
    media = answer.headers.get('content-type')
    if not content:
        if answer.body:
            fail(f'{where}: a body, {media}')
        return
    validator = content.get(media) or content.get('*/*') or \
        fail(f'{where}: {media} is not among {list(content)}')
    text = answer.body.decode('utf-8', 'replace')
    if '*/*' in content:
        return
    lines = text.splitlines() if media == 'application/x-ndjson' else [text]
    for line in lines:  # each is a value of its own
        check(documents.problem_of(validator, loads(line) if 'json' in media else line), where,
              line)


def check_retry(where, answer):
    seconds = answer.headers.get('retry-after')
    if answer.status in FOR_NOW and not re.fullmatch('[1-9][0-9]*', seconds or ''):
        fail(f'{where}: Retry-After is {seconds}')


def http(method, target, body, answer):
    """An answer of ours, and, where it was taken, its request."""
    where = f'{method} {target[:200]} -> {answer.status}'
    method = 'get' if method == 'HEAD' else method.lower()
    found = documents.path_item(target)
    answers = documents.answers(found[0], method) if found else None
    headers, content = documents.refused()
    if answers is not None:
        headers, content = answers.get(str(answer.status)) or answers['default']
    check_headers(where, answer, headers)
    check_retry(where, answer)
    if answer.headers.get('content-type') == 'application/problem+json' and answer.body and \
            loads(answer.body.decode('utf-8')).get('status') != answer.status:
        fail(f'{where}: says another status: {answer.body}')
    if answer.body or answer.status not in (101, 304) and not where.startswith('HEAD'):
        check_content(where, answer, content)
    if answers is not None and 200 <= answer.status < 300 and body:
        validator = documents.request_check(found[0], method)
        if validator is not None:
            check(documents.problem_of(validator, loads(body)), f'request of {where}', body)


def anonymous(answer):
    """An answer to bytes that are no request of lib/http.py."""
    check_retry(answer.status, answer)
    if answer.status >= 400:
        media = answer.headers.get('content-type')
        if media != 'application/problem+json':
            fail(f'{answer.status}: {media}')
        problem = loads(answer.body.decode('utf-8'))
        check(documents.problem_of(documents.schema_at(
            'openapi.yaml', '#/components/schemas/Problem'),
            {k: problem.get(k) for k in ('type', 'title', 'status', 'code')}), 'problem', problem)


def message(value, direction='send'):
    """A message of the stream; `send`: one of the server's."""
    known = documents.messages(direction)
    operation = value.get('op')
    if operation not in known:
        fail(f'an unknown message: {str(value)[:500]}')
    check(documents.problem_of(known[operation], value), operation, value)
    if operation == 'bet' and value.get('code') in FOR_NOW and 'retry_after' not in value:
        fail(f'{operation}: no retry_after\n{value}')


@lru_cache(TEXTS_KEPT)
def is_documented(text):
    message(loads(text))
    return True


def message_text(text):
    """One of the server's, read with exact numbers."""
    is_documented(text)
    return loads(text)


def check_all():
    """Fails with what any thread has seen since the last time."""
    seen, FAILURES[:] = FAILURES[:], []
    assert not seen, '\n'.join(seen[:5])
