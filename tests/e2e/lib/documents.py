"""docs/api as validators: what the documents say of an answer or a message, strictly. An object may
have the members that its schema lists and no others, though clients are told to pass over them."""
import re
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

import jsonschema
import yaml

FOLDER = Path(__file__).parents[3] / 'docs' / 'api'
METHODS = ('get', 'put', 'post', 'delete')
FORMATS = jsonschema.FormatChecker(formats=())
# Of two objects that stand for one; what else stands in them narrows a value.
NAMES = {'description', 'title', 'examples', 'default'}


class Loader(getattr(yaml, 'CSafeLoader', yaml.SafeLoader)):
    """Numbers with exact digits, as the answers are read."""


Loader.add_constructor('tag:yaml.org,2002:float',
                       lambda loader, node: Decimal(loader.construct_scalar(node)))


@FORMATS.checks('decimal')
def is_exact(value):
    """Digits as they are: no exponent, and no more places than any currency or price has."""
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        return not isinstance(value, float)
    return isinstance(value, int) or -4 <= value.as_tuple().exponent < 0


@lru_cache(maxsize=None)
def document(name):
    with open(FOLDER / name, encoding='utf-8') as file:
        return yaml.load(file, Loader)


def at(name, pointer):
    """(document, node) that a $ref names."""
    path, _, pointer = pointer.partition('#')
    name = path.removeprefix('./') or name
    node = document(name)
    for key in pointer.strip('/').split('/'):
        node = node[key.replace('~1', '/').replace('~0', '~')]
    return name, node


def resolve(name, node):
    while isinstance(node, dict) and '$ref' in node:
        name, node = at(name, node['$ref'])
    return name, node


def joined(one, other):
    """A schema for what is both: members of objects side by side."""
    both = {**one}
    for key, value in other.items():
        if key == 'properties':
            mine = both.get('properties', {})
            both['properties'] = {**mine, **{k: {'allOf': [mine[k], v]} if k in mine else v
                                             for k, v in value.items()}}
        elif key == 'required':
            both[key] = [*both.get(key, []), *value]
        elif key in both and key not in NAMES and both[key] != value:
            both.setdefault('allOf', []).append({key: value})
        else:
            both[key] = value
    return both


def strict(name, node):
    """The schema without references, closed; a JSON Schema of draft 2020-12."""
    beside = {}
    if isinstance(node, dict) and '$ref' in node:
        beside = {k: v for k, v in node.items() if k != '$ref'}
        name, node = resolve(name, node)
    if not isinstance(node, dict):
        return node
    made = {}
    for key, value in {**node, **beside}.items():
        if key in ('properties', '$defs', 'patternProperties'):
            made[key] = {k: strict(name, v) for k, v in value.items()}
        elif key in ('anyOf', 'oneOf', 'allOf'):
            made[key] = [strict(name, v) for v in value]
        elif key in ('items', 'additionalProperties', 'not', 'if', 'then', 'else'):
            made[key] = strict(name, value)
        else:
            made[key] = value
    parts = made.pop('allOf', [])
    for part in parts:
        made = joined(made, {k: v for k, v in part.items()
                             if (k, v) != ('additionalProperties', False)})
    if made.get('type') == 'object' and 'properties' in made:
        made.setdefault('additionalProperties', False)
    return made


def good_items(check, items, instance, schema):
    """`items`, which looks once at what comes again: most selections of a market do."""
    _, good = GOOD.setdefault(id(items), (items, set()))  # kept, so that no other takes its id
    for index, item in enumerate(instance if isinstance(instance, list) else ()):
        text = repr(item)
        if text in good:
            continue
        wrong = False
        for error in check.descend(item, items, path=index):
            wrong = True
            yield error
        if not wrong and len(good) < GOOD_MAX:
            good.add(text)


GOOD, GOOD_MAX = {}, 1 << 16
Checker = jsonschema.validators.extend(jsonschema.Draft202012Validator, {'items': good_items})


def validator(schema):
    return Checker(schema, format_checker=FORMATS)


@lru_cache(maxsize=None)
def schema_at(name, pointer):
    return validator(strict(name, {'$ref': pointer}))


def problem_of(check, value):
    """None, or what is wrong with the value."""
    if check.is_valid(value):
        return None
    error = jsonschema.exceptions.best_match(check.iter_errors(value))
    where = '/'.join(str(p) for p in error.absolute_path)
    return f'{where or "(whole)"}: {error.message[:600]}'


# ---- HTTP ----

@lru_cache(maxsize=None)
def paths():
    """[(pattern, path, path item)], the most literal ones first."""
    rows = []
    for path, item in document('openapi.yaml')['paths'].items():
        words = re.split(r'(\{\w+\})', path)
        # A file may lie in folders; an id has its slashes as %2F.
        free = '.+' if path == '/{file}' else '[^/]+'
        pattern = ''.join(free if w.startswith('{') else re.escape(w) for w in words)
        rows.append((re.compile(pattern), path, item))
    return sorted(rows, key=lambda row: (row[1].count('{'), -len(row[1])))


@lru_cache(maxsize=None)
def path_item(target):
    """(path, path item) of a request's target; None: nothing is there."""
    target = target.split('?')[0]
    for pattern, path, item in paths():
        if pattern.fullmatch(target) and not (path == '/{file}' and target.startswith('/v1/')):
            return path, item
    return None


@lru_cache(maxsize=None)
def answers(path, method):
    """{status: (headers, {media type: validator})} of an operation; else None."""
    operation = document('openapi.yaml')['paths'][path].get(method)
    if operation is None:
        return None
    found = {}
    for status, answer in operation['responses'].items():
        name, answer = resolve('openapi.yaml', answer)
        headers = {}
        for key, header in answer.get('headers', {}).items():
            _, header = resolve(name, header)
            headers[key.lower()] = (header.get('required', False),
                                    validator(strict(name, header.get('schema', {}))))
        content = {media: validator(strict(name, body.get('schema', {})))
                   for media, body in answer.get('content', {}).items()}
        found[status] = headers, content
    return found


@lru_cache(maxsize=None)
def request_check(path, method):
    """The validator of an operation's JSON body, or None."""
    operation = document('openapi.yaml')['paths'][path].get(method, {})
    name, body = resolve('openapi.yaml', operation.get('requestBody', {}))
    schema = body.get('content', {}).get('application/json', {}).get('schema')
    return None if schema is None else validator(strict(name, schema))


def refused():
    return {}, {'application/problem+json': schema_at('openapi.yaml',
                                                      '#/components/schemas/Refused')}


# ---- the stream ----

@lru_cache(maxsize=None)
def messages(direction):
    """{op: validator} of the messages of a direction, 'receive' or 'send' (of the server)."""
    found = {}
    for operation in document('asyncapi.yaml')['operations'].values():
        if operation['action'] != direction:
            continue
        for reference in operation['messages']:  # of the channel, which refers on
            name, message = resolve('asyncapi.yaml', reference)
            found[message['name']] = validator(strict(name, message['payload']))
    return found
