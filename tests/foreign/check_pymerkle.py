"""The proofs of export-proofs on standard input, checked by pymerkle. Its consistency proofs have
another shape than RFC 9162's, so of those lines the two roots are compared with the states of its
own tree over the same records; inclusion proofs are checked as they are, and with bits flipped."""
import sys

from pymerkle import InclusionProof, InvalidProof, InmemoryTree, verify_inclusion
from pymerkle.hasher import MerkleHasher

HASHER = MerkleHasher('sha256', True)


def directions(index, size):
    """1 where the other hash stands left (RFC 9162 section 2.1.3.2); the last is not used."""
    last, rule = size - 1, []
    while last:
        if index & 1 or index == last:
            rule.append(1)
            while index and not index & 1:
                index, last = index >> 1, last >> 1
        else:
            rule.append(0)
        index, last = index >> 1, last >> 1
    return rule + [0]


def accepts(record, index, size, root, path):
    leaf = HASHER.hash_buff(record)
    proof = InclusionProof('sha256', True, size, index + 1, directions(index, size),
                           [leaf] + path)
    try:
        verify_inclusion(leaf, root, proof, index=index + 1, size=size)
        return True
    except InvalidProof:
        return False


def main():
    good = bad = states = 0
    records, roots = {}, {}
    for number, line in enumerate(sys.stdin):
        kind, *rest, hashes = line.split()
        if kind == 'C':
            roots[int(rest[0])], roots[int(rest[2])] = rest[1], rest[3]
            continue
        record = b'' if rest[0] == '-' else bytes.fromhex(rest[0])
        index, size, root = int(rest[1]), int(rest[2]), bytes.fromhex(rest[3])
        path = [] if hashes == '-' else [bytes.fromhex(h) for h in hashes.split(',')]
        records[index] = record
        roots[size] = rest[3]
        assert accepts(record, index, size, root, path), line
        good += 1
        for at, found in enumerate(path):
            flipped = bytearray(found)
            flipped[number % 32] ^= 1 << number % 8
            assert not accepts(record, index, size, root,
                               path[:at] + [bytes(flipped)] + path[at + 1:]), line
            bad += 1
        assert not accepts(record + b'\0', index, size, root, path), line
        bad += 1
    tree = InmemoryTree(algorithm='sha256')
    while tree.get_size() in records:
        tree.append_entry(records[tree.get_size()])
        if tree.get_size() in roots:
            assert tree.get_root(tree.get_size()).hex() == roots[tree.get_size()]
            states += 1
    assert good > 100 and states >= 300
    print(f'pymerkle: {good} inclusion proofs accepted, {bad} flipped ones refused, '
          f'{states} roots equal')


main()
