"""change_history.py lost|twice|stale - a history of wallet_history.py with one answer that no
wallet gives: a deposit that was acknowledged and is not there, a bet that was taken twice under one
key, a balance that was another one before the question and after the answer."""
import json
import sys


def lost(rows):
    """Everything after an acknowledged deposit looks as if it had not been."""
    first = next(row for row in rows if row['op'] == 'deposit' and row.get('return') and
                 row['code'] == '' and not row['replayed'] and row['key'] != 'first')
    later = next(row for row in rows if row['user'] == first['user'] and row['op'] == 'read' and
                 row.get('return') and row['call'] > first['return'])
    later['balance'] -= first['amount']


def twice(rows):
    """A replay that is told as a new bet, with the stake taken once more."""
    again = next(row for row in rows if row['op'] == 'bet' and row.get('return') and
                 row['code'] == '' and row['replayed'])
    again['replayed'] = False
    again['balance'] -= again['amount']


def stale(rows):
    read = next(row for row in rows if row['op'] == 'read' and row.get('return'))
    read['balance'] += 1


def main():
    # The first that serves: a wrong answer among many that are open takes long to be sure of.
    rows = sorted((json.loads(line) for line in sys.stdin), key=lambda row: row['call'])
    {'lost': lost, 'twice': twice, 'stale': stale}[sys.argv[1]](rows)
    for row in rows:
        print(json.dumps(row))


if __name__ == '__main__':
    main()
