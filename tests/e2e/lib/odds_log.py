"""Reads the odds log from its files, by docs/LEDGER.md ("The odds log on disk") alone."""
import os
import struct


class Body:
    """The numbers and texts of a segment's records; texts are remembered from one to the next."""

    def __init__(self):
        self.texts, self.bytes, self.at = [], b'', 0

    def begin(self, body):
        self.bytes, self.at = body, 0
        return self

    def number(self):
        value = shift = 0
        while True:
            byte = self.bytes[self.at]
            self.at += 1
            value |= (byte & 0x7f) << shift
            if byte < 0x80:
                return value
            shift += 7

    def text(self):
        known = self.number()
        if known:
            return self.texts[known - 1]
        length = self.number()
        self.texts.append(self.bytes[self.at:self.at + length].decode())
        self.at += length
        return self.texts[-1]


class Change:
    """What was offered from one moment on."""

    def __init__(self, body):
        self.market, self.event, self.provider = body.text(), body.text(), body.text()
        self.status, self.version = body.number(), body.number()
        body.number()
        body.number()
        self.selections = []  # (id, status, numerator, denominator)
        for _ in range(body.number()):
            name, status = body.text(), body.number()
            self.selections.append((name, status >> 1, body.number(), body.number()))
            for _ in range(4 if status & 1 else 0):
                body.number()  # chances


def records(data):
    """Every Change, in order; the server must have ended."""
    folder = os.path.join(data, 'odds')
    for name in sorted(n for n in os.listdir(folder) if n.startswith('odds-') and '.log' in n):
        with open(os.path.join(folder, name), 'rb') as file:
            content = file.read()
        assert content[:8] == b'OVRODDS1'
        at, reader = 64, Body()
        while at < len(content):
            length, = struct.unpack_from('<H', content, at + 4)
            body = reader.begin(content[at + 6:at + 6 + length])
            at += 6 + length
            yield Change(body)


def changes(data):
    """(market id, status, odds_version) of every change, in order."""
    for change in records(data):
        yield change.market, change.status, change.version
