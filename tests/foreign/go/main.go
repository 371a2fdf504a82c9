// The proofs of export-proofs on standard input, checked by transparency-dev/merkle, which serves
// Certificate Transparency and the Go checksum database. Each is also given with one bit flipped in
// each of its hashes, one hash less and one hash more, and must then be refused.
package main

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
)

func fail(line int, what string) {
	fmt.Printf("line %d: %s\n", line, what)
	os.Exit(1)
}

func unhex(text string) []byte {
	if text == "-" {
		return nil
	}
	value, err := hex.DecodeString(text)
	if err != nil {
		panic(err)
	}
	return value
}

func number(text string) uint64 {
	value, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		panic(err)
	}
	return value
}

func path(text string) [][]byte {
	if text == "-" {
		return nil
	}
	var hashes [][]byte
	for _, h := range strings.Split(text, ",") {
		hashes = append(hashes, unhex(h))
	}
	return hashes
}

// Calls check with the proof as it is, and with every bad variant of it; answers how many.
func try(line int, hashes [][]byte, check func([][]byte) error) int {
	if err := check(hashes); err != nil {
		fail(line, err.Error())
	}
	bad := 0
	refuse := func(variant [][]byte) {
		if check(variant) == nil {
			fail(line, "a bad proof was accepted")
		}
		bad++
	}
	for i := range hashes {
		bit := byte(1) << ((line + i) % 8)
		at := (line*7 + i) % 32
		hashes[i][at] ^= bit
		refuse(hashes)
		hashes[i][at] ^= bit
	}
	if len(hashes) > 0 {
		refuse(hashes[:len(hashes)-1])
	}
	refuse(append(append([][]byte{}, hashes...), make([]byte, 32)))
	return bad
}

func main() {
	hasher := rfc6962.DefaultHasher
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	good, bad, line := 0, 0, 0
	for lines.Scan() {
		line++
		f := strings.Fields(lines.Text())
		hashes := path(f[5])
		if f[0] == "I" {
			leaf := hasher.HashLeaf(unhex(f[1]))
			index, size, root := number(f[2]), number(f[3]), unhex(f[4])
			bad += try(line, hashes, func(p [][]byte) error {
				return proof.VerifyInclusion(hasher, index, size, leaf, p, root)
			})
		} else {
			from, to, old, root := number(f[1]), number(f[3]), unhex(f[2]), unhex(f[4])
			bad += try(line, hashes, func(p [][]byte) error {
				return proof.VerifyConsistency(hasher, from, to, p, old, root)
			})
		}
		good++
	}
	if good == 0 {
		fail(0, "no proofs")
	}
	fmt.Printf("transparency-dev/merkle: %d proofs accepted, %d flipped or cut ones refused\n", good, bad)
}
