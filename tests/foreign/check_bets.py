#!/usr/bin/python3
"""check_bets COUNT - bets of export-bets on stdin, settled again from the rules (BETTING-RULES 4.1
to 4.5, 4.8, 4.9), line by line, with fractions. COUNT of them are expected. Exit 1 at the first
that differs, and when a kind of bet was never seen."""
import json
import math
import sys
from collections import Counter
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


main()
