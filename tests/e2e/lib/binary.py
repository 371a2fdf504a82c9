"""The binary form of the stream, as docs/PROTOCOL.md says it: what a client is written from."""
import re
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

PROTOCOL = 'overround.cbor.v1'
HEADER = (Path(__file__).parents[3] / 'docs' / 'PROTOCOL.md').read_text()
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def table(title):
    """A table of docs/PROTOCOL.md, "NUMBER `text`" by rows: what a client is written from."""
    text = HEADER.split(title)[1].split('\n\n')[1]
    return {int(n): word for n, word in re.findall(r'(\d+) `([^`]+)`', text)}


KEYS, WORDS = table('**Keys.**'), table('**Words.**')


def plain(value, key=None):
    """What the JSON form says, from the decoded CBOR."""
    if isinstance(value, dict):
        return {KEYS.get(k, k): plain(v, KEYS.get(k, k)) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    if isinstance(value, int) and not isinstance(value, bool):
        if key in ('op', 'status'):
            return WORDS[value]
        if key == 'odds':
            return Decimal(value) / 10000
        if key in ('id', 'event_id'):
            return str(value)
        if key in ('feed_ts', 'updated_at', 'start_time'):
            moment = EPOCH + timedelta(microseconds=value)
            return moment.strftime('%Y-%m-%dT%H:%M:%S.%fZ')
    return value
