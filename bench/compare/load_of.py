"""What a contender spends while it is measured: processor time by process, and the work of its
PostgreSQL (pg_stat_database, pg_stat_statements, the write-ahead log)."""
import os
import re
import time

# Of V0: which of a request's steps a statement is (src/naive/db_schema.h).
STEPS = (('poll', r'SELECT selections'), ('lock', r'FOR UPDATE OF o'),
         ('insert', r'INSERT INTO bets'), ('debit', r'UPDATE accounts SET balance = balance - '),
         ('begin', r'BEGIN'), ('commit', r'COMMIT'), ('balance', r'SELECT balance'),
         ('price', r'(INSERT INTO|UPDATE) odds'))
DATABASE = ('transactions', 'rows_read', 'rows_written', 'blocks_read', 'blocks_hit', 'wal_bytes')


def database(contender):
    """Counters of DATABASE since the database began; None: there is none."""
    if contender.ledger is None:
        return None
    row = contender.sql(
        'SELECT xact_commit + xact_rollback, tup_returned, '
        'tup_inserted + tup_updated + tup_deleted, blks_read, blks_hit, '
        "pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint "
        'FROM pg_stat_database WHERE datname = current_database()')
    return dict(zip(DATABASE, (int(n) for n in row.split('|'))))


def statements(contender):
    """{step: [calls, milliseconds]} of all statements so far; what is none of STEPS is `other`."""
    found = {}
    rows = contender.sql("SELECT calls, total_exec_time, replace(query, E'\\n', ' ') "
                         'FROM pg_stat_statements')
    for row in rows.splitlines():
        calls, ms, text = row.split('|', 2)
        step = next((name for name, form in STEPS if re.match(form, text) or
                     name == 'lock' and re.search(form, text)), 'other')
        before = found.setdefault(step, [0, 0.0])
        found[step] = [before[0] + int(calls), before[1] + float(ms)]
    return found


def idle_seconds():
    """Of all processors together, since the machine began."""
    with open('/proc/stat', encoding='ascii') as file:
        return int(file.readline().split()[4]) / os.sysconf('SC_CLK_TCK')


class Meter:
    """`begin` and `end` around what is measured; then `spent`."""

    def __init__(self, contender):
        self.contender, self.spent = contender, None
        self.before = None

    def read(self):
        told = {'at': time.monotonic(), 'idle_s': idle_seconds(),
                'cpu_s': self.contender.cpu_seconds()}
        if self.contender.ledger is not None:
            told['database'] = database(self.contender)
            told['statements'] = statements(self.contender)
        return told

    def begin(self):
        self.before = self.read()

    def end(self):
        now, before = self.read(), self.before
        spent = {'seconds': round(now['at'] - before['at'], 2),
                 'idle_s': round(now['idle_s'] - before['idle_s'], 2),
                 'cpu_s': {name: round(value - before['cpu_s'].get(name, 0), 2)
                           for name, value in now['cpu_s'].items()}}
        if 'database' in now:
            spent['database'] = {name: value - before['database'][name]
                                 for name, value in now['database'].items()}
            spent['statements'] = {
                name: [calls - before['statements'].get(name, [0, 0.0])[0],
                       round(ms - before['statements'].get(name, [0, 0.0])[1], 3)]
                for name, (calls, ms) in now['statements'].items()}
        self.spent = spent


def polling_share(spent):
    """Percent of the statements' time that is reads of odds. What a COMMIT waits for its disk is
    not in that time: PostgreSQL counts a statement until then."""
    work = {name: ms for name, (_, ms) in spent['statements'].items()}
    total = sum(work.values())
    return round(100 * work.get('poll', 0.0) / total, 1) if total else 0.0


def mean_ms(spent, step):
    calls, ms = spent['statements'].get(step, [0, 0.0])
    return round(ms / calls, 3) if calls else None
