"""Recorded Betfair streams, read without any of the program's code."""
import bz2
import glob
import gzip
import json
import lzma
import os

from .server import ROOT

FOLDER = os.environ.get('OVERROUND_FEEDS') or os.path.join(ROOT, '..', 'shared', 'feeds')
OPENERS = {'.bz2': bz2.open, '.gz': gzip.open, '.xz': lzma.open}
STATUS_BY_FLAG = {'WINNER': 'WON', 'LOSER': 'LOST', 'REMOVED': 'VOID'}


def files():
    """Paths of all recordings; none when the folder is absent."""
    return sorted(p for p in glob.glob(os.path.join(FOLDER, 'betfair', '*'))
                  if os.path.splitext(p)[1] in OPENERS)


def lines(path):
    with OPENERS[os.path.splitext(path)[1]](path, 'rb') as file:
        return [line.rstrip(b'\r\n') for line in file if line.strip()]


def selection_id(runner):
    """ID, or ID@HC with a handicap; as in the contract."""
    handicap = runner.get('hc') or 0
    text = f'{handicap:g}'
    return f'{runner["id"]}' + (f'@{text}' if handicap else '')


class Recording:
    """What the definitions seen so far say, market by market."""

    def __init__(self):
        self.definitions, self.closings = {}, {}

    def see(self, line):
        for change in json.loads(line).get('mc') or []:
            definition = change.get('marketDefinition')
            if definition is None:
                continue
            self.definitions[change['id']] = definition
            if definition['status'] == 'CLOSED':
                flags = {selection_id(r): r['status'] for r in definition['runners']}
                closings = self.closings.setdefault(change['id'], [])
                if not closings or closings[-1] != flags:
                    closings.append(flags)

    def selections(self):
        """Every (market, selection) of a market that its flags can settle."""
        return [(market, selection_id(runner))
                for market, definition in sorted(self.definitions.items())
                if definition['bettingType'] == 'ODDS'
                and definition.get('marketType') != 'EACH_WAY'
                for runner in definition['runners']]

    def outcome(self, market, selection):
        """(status, how often it was closed differently), or None while it is not closed."""
        closings = self.closings.get(market)
        if not closings or selection not in closings[-1]:
            return None
        return STATUS_BY_FLAG[closings[-1][selection]], len(closings)
