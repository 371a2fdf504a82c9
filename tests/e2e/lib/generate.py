"""Requests made from a schema of docs/api, and the same with one thing wrong in them."""
from decimal import Decimal

from hypothesis import strategies as st

WRONG = st.one_of(st.none(), st.booleans(), st.integers(-2**63, 2**63), st.text(max_size=5),
                  st.just([]), st.just({}), st.decimals(-10, 10, places=5))


def numbers(schema):
    places = 4 if 'multipleOf' in schema else 2
    low = schema.get('minimum', schema.get('exclusiveMinimum', 0))
    step = Decimal(1).scaleb(-places)
    low = Decimal(str(low)) + (step if 'exclusiveMinimum' in schema else 0)
    return st.decimals(low, Decimal(str(schema.get('maximum', 1000))), places=places)


def texts(schema):
    if schema.get('format') == 'date-time':
        return st.datetimes().map(lambda t: t.isoformat() + 'Z')
    if 'pattern' in schema:
        return st.from_regex(schema['pattern'], fullmatch=True).filter(
            lambda t: len(t.encode()) <= schema.get('maxLength', 1000) and not t.endswith('\n'))
    longest = min(schema.get('maxLength', 20), 20)
    return st.text(st.characters(min_codepoint=32, max_codepoint=0x7e),
                   min_size=schema.get('minLength', 0), max_size=longest)


@st.composite
def objects(draw, schema):
    needed, made = set(schema.get('required', ())), {}
    for one in ('oneOf', 'anyOf'):
        if one in schema:
            needed |= set(draw(st.sampled_from(schema[one])).get('required', ()))
    for name, member in schema['properties'].items():
        if name in needed or draw(st.booleans()):
            made[name] = draw(values(member))
    return made


def values(schema):
    if 'const' in schema:
        return st.just(schema['const'])
    if 'enum' in schema:
        return st.sampled_from(schema['enum'])
    if 'properties' in schema:
        return objects(schema)
    if 'oneOf' in schema:
        return st.one_of(*map(values, schema['oneOf']))
    kinds = schema['type'] if isinstance(schema['type'], list) else [schema['type']]
    return st.one_of(*(of_type({**schema, 'type': kind}) for kind in kinds))


def of_type(schema):
    kind = schema['type']
    if kind == 'array':
        return st.lists(values(schema['items']), min_size=schema.get('minItems', 0),
                        max_size=min(schema.get('maxItems', 4), 4))
    if kind == 'null':
        return st.none()
    if kind == 'integer':
        return st.integers(schema.get('minimum', 0), schema.get('maximum', 10**6))
    return {'number': numbers, 'string': texts, 'boolean': lambda _: st.booleans()}[kind](schema)


@st.composite
def spoiled(draw, schema):
    """One that is nearly right: a member too many, too few, or of another type, at some depth."""
    made = draw(values(schema))
    place = made
    while isinstance(place, dict) and place:
        name = draw(st.sampled_from(sorted(place)))
        inner = place[name]
        if isinstance(inner, list) and inner and isinstance(inner[0], dict) and draw(st.booleans()):
            place = inner[0]
            continue
        change = draw(st.sampled_from(('drop', 'add', 'turn')))
        if change == 'drop':
            del place[name]
        elif change == 'add':
            place[draw(st.text(max_size=8))] = draw(WRONG)
        else:
            place[name] = draw(WRONG)
        break
    return made


def named(body, known):
    """The same with these members, wherever they stand, so that it is about what exists."""
    if isinstance(body, dict):
        return {name: known[name] if name in known and isinstance(value, str)
                else named(value, known) for name, value in body.items()}
    return [named(item, known) for item in body] if isinstance(body, list) else body
