#!/usr/bin/python3
"""check_bets COUNT - bets of export-bets on stdin, settled again from the rules (BETTING-RULES 4.1
to 4.5, 4.8, 4.9), line by line, with fractions. COUNT of them are expected. Exit 1 at the first
that differs, and when a kind of bet was never seen.

check_bets --records - the same with the SETTLE records of `overround ledger dump` on stdin, each
from itself alone: payout, token, postings. Prints how many of which shape there were."""
import json
import math
import sys
from collections import Counter
from decimal import Decimal
from fractions import Fraction

AMOUNT_MAX = 10 ** 15
WHOLE = 10 ** 4
CHANCE_WHOLE = 10 ** 9
ONE = Fraction(1)
HALF = Fraction(1, 2)
FROM_WINNINGS, FROM_PRICE = 1, 2


def kept(entries):
    """What several deductions leave, one after the other."""
    return math.prod((Fraction(WHOLE - entry, WHOLE) for entry in entries), start=ONE)


def price_of(leg, part, place):
    """4.3, 4.4: off the price, then the place terms, then off the winnings."""
    price, model, entries = Fraction(leg[0], leg[1]), part[4], part[5]
    if model == FROM_PRICE:
        price = max(price * kept(entries), min(price, Fraction(101, 100)))
    if place:
        price = 1 + (price - 1) * Fraction(leg[3], leg[4])
    if model == FROM_WINNINGS:
        price = 1 + (price - 1) * kept(entries)
    return price


def outcomes(part):
    """Of each unit: (share, is it paid at the price?); what is missing is lost."""
    won, void_halves, numerator, denominator, _, _, chances = part
    if chances is not None:
        win, half_win, refund, half_lose = (Fraction(c, CHANCE_WHOLE) for c in chances)
        return [(win, True), (half_win * HALF, True), (half_win * HALF, False), (refund, False),
                (half_lose * HALF, False)]
    void = Fraction(void_halves, 2)
    return [(void, False), ((1 - void) * won * Fraction(numerator, denominator), True)]


def factors(leg, place):
    """What a unit on this leg pays, and what it would pay at a price of 1, over one denominator:
    (pays, survives, denominator)."""
    part = leg[7] if place else leg[6]
    price = price_of(leg, part, place)
    pays = sum(share * (price if priced else 1) for share, priced in outcomes(part))
    survives = sum(share for share, _ in outcomes(part))
    denominator = math.lcm(pays.denominator, survives.denominator)
    return int(pays * denominator), int(survives * denominator), denominator


def lines_of(bet):
    """Each line as the set of its legs' places."""
    bankers = sum(1 << i for i, leg in enumerate(bet['legs']) if leg[5])
    chosen = [1 << i for i, leg in enumerate(bet['legs']) if not leg[5]]
    if not chosen:
        yield bankers
        return
    for pick in range(1 << len(chosen)):
        size = pick.bit_count() if hasattr(pick, 'bit_count') else bin(pick).count('1')
        if size > 0 and bet['sizes'] >> (size - 1) & 1:
            yield bankers | sum(bit for i, bit in enumerate(chosen) if pick >> i & 1)


def way(bet, lines, place):
    """The sum over lines, as a fraction: every line over the product of all denominators."""
    legs = [factors(leg, place) for leg in bet['legs']]
    total = 0
    for line in lines:
        pays = survives = 1
        for i, (leg_pays, leg_survives, denominator) in enumerate(legs):
            inside = line >> i & 1
            pays *= leg_pays if inside else denominator
            survives *= leg_survives if inside else denominator
        total += pays - survives if bet['free'] else pays
    return Fraction(total, math.prod(denominator for _, _, denominator in legs))


def rounded(value):
    """Down, half up, half even; -1 above the most that an amount can be."""
    down = value.numerator // value.denominator
    rest = value - down
    half_up = down + (rest >= HALF)
    half_even = down + (rest > HALF or (rest == HALF and down % 2 == 1))
    return [amount if amount <= AMOUNT_MAX else -1 for amount in (down, half_up, half_even)]


def settle(bet):
    lines = list(lines_of(bet))
    total, count = way(bet, lines, False), len(lines)
    if bet['each_way']:
        total, count = total + way(bet, lines, True), 2 * count
    return rounded(total * bet['stake'] / count * Fraction(bet['share'], WHOLE)), len(lines)


def part_of(factors, leg):
    """A leg whose result is open is counted as won: the bet is lost without it."""
    if factors['result'] == 'OPEN':
        return [1, 0, 1, 1, 0, [], None]
    model = {None: 0, 'winnings': FROM_WINNINGS, 'price': FROM_PRICE}[leg.get('deducted_from')]
    return [factors['won'], int(factors['void_factor'] * 2), factors['dead_heat_numerator'],
            factors['dead_heat_denominator'], model, leg.get('deductions_permyriad', []), None]


def leg_of(leg):
    odds = Fraction(leg['odds_exact'])
    terms = [leg.get(name, 0) for name in ('places', 'place_numerator', 'place_denominator')]
    return [odds.numerator, odds.denominator, *terms, leg['banker'], part_of(leg, leg),
            part_of(leg.get('place', leg), leg)]


def minor(amount):
    """In units of its last digit, of which an amount shows all."""
    amount = Decimal(amount)
    return int(amount.scaleb(-amount.as_tuple().exponent))


def bet_of(record):
    return {'stake': minor(record['stake']), 'legs': [leg_of(leg) for leg in record['legs']],
            'sizes': sum(1 << size - 1 for size in record['system']), 'share': WHOLE,
            'each_way': record['each_way'], 'free': record['stake_kind'] == 'free'}


def faults(record):
    """What the record says otherwise than it follows from the rest of it."""
    modes = ('down', 'half_up', 'half_even')
    payout = settle(bet_of(record))[0][modes.index(record['rounding'])]
    if minor(record['payout']) != payout:
        yield f'payout {record["payout"]}, by the rules {payout}'
    void = all(leg['void_factor'] == 1 for leg in record['legs'])
    if record['token_back'] != (void and record['stake_kind'] == 'free'):
        yield 'the token'
    kind = 'bonus' if record['stake_kind'] == 'bonus' else 'available'
    paid = [p['amount'] for p in record['postings'] if p['kind'] == kind]
    if paid != [record['payout']] or sum(p['amount'] for p in record['postings']) != 0:
        yield 'the postings'


def check_records():
    seen = Counter()
    for text in sys.stdin:
        record = json.loads(text, parse_float=Decimal)
        if record['type'] != 'SETTLE':
            continue
        for fault in faults(record):
            print(f'check_bets: record {record["seq"]}: {fault}')
            sys.exit(1)
        legs = record['legs']
        seen['settled'] += 1
        seen['multiple'] += len(legs) > 1
        seen['system'] += bool(record['system'])
        seen['banker'] += bool(record['system']) and any(leg['banker'] for leg in legs)
        seen['each_way'] += record['each_way']
        seen['reduced'] += any('deducted_from' in leg for leg in legs)
        seen['tied'] += any(leg['dead_heat_denominator'] > 1 for leg in legs)
        seen['void'] += any(leg['void_factor'] == 1 for leg in legs)
        seen['open'] += any(leg['result'] == 'OPEN' for leg in legs)
    print(json.dumps(seen))


def main():
    seen = Counter()
    for number, text in enumerate(sys.stdin):
        bet = json.loads(text)
        expected, lines = settle(bet)
        if bet['pays'] != expected:
            print(f'check_bets: bet {number} pays {bet["pays"]}, by the rules {expected}:\n{text}')
            sys.exit(1)
        seen['bets'] += 1
        seen['lines'] += lines
        for kind in ('each_way', 'free'):
            seen[kind] += bet[kind]
        seen['running'] += any(part[6] is not None for leg in bet['legs'] for part in leg[6:8])
        seen['systems'] += bet['sizes'] > 0
        seen['rounded'] += len(set(expected)) > 1
        seen['above'] += -1 in expected
    if seen['bets'] != int(sys.argv[1]):
        print(f'check_bets: {seen["bets"]} bets in place of {sys.argv[1]}')
        sys.exit(1)
    for kind in ('each_way', 'free', 'running', 'systems', 'rounded', 'above'):
        if seen[kind] == 0:
            print(f'check_bets: no bet was {kind}')
            sys.exit(1)
    print('check_bets: ' + ', '.join(f'{count} {kind}' for kind, count in seen.items()))


check_records() if sys.argv[1] == '--records' else main()
