"""What a server holds for its customers' connections."""
import os

from .until import until

# Of connections that are gone nothing may be left.
GAUGES = ('overround_connections', 'overround_receive_bytes', 'overround_outbox_bytes',
          'overround_push_websockets', 'overround_push_subscriptions', 'overround_push_lagging',
          'overround_push_dirty_markets', 'overround_push_event_streams')


def held(server):
    """Of the public listener where a gauge says which."""
    rows = {name: value for name, value in server.metrics().items()
            if 'listener="admin"' not in name}
    assert set(GAUGES) <= {name.split('{')[0] for name in rows}
    return {gauge: sum(v for name, v in rows.items() if name.split('{')[0] == gauge)
            for gauge in GAUGES}


def held_by_nobody(server):
    """The same, once no connection of a customer is left: the ends of some may be on their way."""
    return until(lambda: (rows := held(server))['overround_connections'] == 0 and rows)


def descriptors(server):
    return len(os.listdir(f'/proc/{server.process.pid}/fd'))


def closed(server, reason):
    return server.metric('overround_connections_closed_total', reason=reason, listener='public')
