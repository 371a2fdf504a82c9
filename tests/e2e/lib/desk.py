"""The trading desk: results by hand."""


def results(market, version, **by_selection):
    """by_selection: s11='WON' or s11={'result': ...}."""
    rows = [{'selection_id': s[1:], **(r if isinstance(r, dict) else {'result': r})}
            for s, r in by_selection.items()]
    return {'result_version': version, 'markets': [{'market_id': market, 'selections': rows}]}


def post(book, market, version, **by_selection):
    event = book.server.get(f'/v1/odds/{market}').json['event_id']
    return book.server.desk(f'/v1/admin/events/{event}/results',
                            results(market, version, **by_selection))
