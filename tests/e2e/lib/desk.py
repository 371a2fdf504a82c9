"""The trading desk: results by hand, and what is said to shards."""
from .until import until


def results(market, version, **by_selection):
    """by_selection: s11='WON' or s11={'result': ...}."""
    rows = [{'selection_id': s[1:], **(r if isinstance(r, dict) else {'result': r})}
            for s, r in by_selection.items()]
    return {'result_version': version, 'markets': [{'market_id': market, 'selections': rows}]}


def post(book, market, version, **by_selection):
    event = book.server.get(f'/v1/odds/{market}').json['event_id']
    return book.server.desk(f'/v1/admin/events/{event}/results',
                            results(market, version, **by_selection))


def until_told(say, have_it, away=()):
    """Says a word until the answer names these shards; the answer's `shards`, or None for a 503,
    is what `say` gives. A shard that a busy machine lets stand still beyond its grant is away until
    it has asked again, and a word that is said twice changes nothing (docs/decisions/0016)."""
    def told():
        shards = say()
        if shards is None:
            return False
        named = shards['have_it'] + len(shards['away'])
        assert named == have_it + len(away) and set(away) <= set(shards['away']), shards
        return not set(shards['away']) - set(away)
    until(told)
