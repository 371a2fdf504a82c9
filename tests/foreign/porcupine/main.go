// A history of wallets (wallet_history.py) on standard input, checked by Porcupine: is there one order
// of all requests of each customer, within the times in which each was under way, in which a wallet
// that does one thing at a time gives the very answers that were given?
//
// The wallet: a key has one verdict for ever, and the same answer again; a deposit adds; a bet or a
// withdrawal takes what is there, or is refused. What was never answered may have happened or not, at
// any time after it was asked.
package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"sort"
	"time"

	"github.com/anishathalye/porcupine"
)

const checkMax = 2 * time.Minute

type request struct {
	User   string `json:"user"`
	Client int    `json:"client"`
	Op     string `json:"op"` // deposit, withdraw, bet, read
	Key    string `json:"key"`
	Amount int64  `json:"amount"`
	Call   int64  `json:"call"`
	Return *int64 `json:"return"` // none: it was never answered
	answer
}

type answer struct {
	Code     string `json:"code"` // of a refusal; else empty
	Replayed bool   `json:"replayed"`
	Balance  *int64 `json:"balance"` // as far as the answer has one
	Unknown  bool   `json:"-"`
}

type verdict struct {
	code    string
	balance int64 // after its record
}

// The wallet before, and one verdict more; never changed once made.
type wallet struct {
	balance int64
	key     string
	verdict verdict
	before  *wallet
	sum     [2]uint64 // over all verdicts, in whatever order they came: wallets with equal ones are equal
}

func (w *wallet) find(key string) (verdict, bool) {
	for ; w.before != nil; w = w.before {
		if w.key == key {
			return w.verdict, true
		}
	}
	return verdict{}, false
}

func (w *wallet) with(key string, v verdict) *wallet {
	hash := sha256.Sum256([]byte(fmt.Sprintf("%s %s %d", key, v.code, v.balance)))
	sum := [2]uint64{w.sum[0] + binary.LittleEndian.Uint64(hash[:8]),
		w.sum[1] + binary.LittleEndian.Uint64(hash[8:])}
	return &wallet{v.balance, key, v, w, sum}
}

func same(a, b interface{}) bool {
	x, y := a.(*wallet), b.(*wallet)
	return x.balance == y.balance && x.sum == y.sum
}

// All verdicts that the wallet may come to on a new key.
func verdicts(w *wallet, r request) []verdict {
	switch {
	case r.Op == "deposit":
		return []verdict{{"", w.balance + r.Amount}}
	case r.Amount > w.balance && r.Op == "withdraw":
		return []verdict{{"INSUFFICIENT_BALANCE", w.balance}}
	case r.Op == "withdraw":
		return []verdict{{"", w.balance - r.Amount}}
	case r.Amount > w.balance:
		return []verdict{{"INSUFFICIENT_BALANCE", w.balance}, {"MARKET_SUSPENDED", w.balance}}
	}
	// A market without a price, as after a start, takes no bet.
	return []verdict{{"", w.balance - r.Amount}, {"MARKET_SUSPENDED", w.balance}}
}

func fits(a answer, v verdict, replayed bool) bool {
	if a.Unknown {
		return true
	}
	return a.Code == v.code && a.Replayed == replayed && (a.Balance == nil || *a.Balance == v.balance)
}

func step(state, input, output interface{}) []interface{} {
	w, r, a := state.(*wallet), input.(request), output.(answer)
	if r.Op == "read" {
		if a.Unknown || *a.Balance == w.balance {
			return []interface{}{w}
		}
		return nil
	}
	if v, seen := w.find(r.Key); seen {
		if fits(a, v, true) {
			return []interface{}{w}
		}
		return nil
	}
	var next []interface{}
	for _, v := range verdicts(w, r) {
		if fits(a, v, false) {
			next = append(next, w.with(r.Key, v))
		}
	}
	return next
}

func operations(requests []request) []porcupine.Operation {
	var found []porcupine.Operation
	for _, r := range requests {
		a, end := r.answer, int64(math.MaxInt64)
		if r.Return == nil {
			a.Unknown = true
		} else {
			end = *r.Return
		}
		found = append(found, porcupine.Operation{ClientId: r.Client, Input: r, Call: r.Call, Output: a,
			Return: end})
	}
	return found
}

func read() map[string][]request {
	users := map[string][]request{}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r request
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			fmt.Println("the history cannot be read:", err)
			os.Exit(2)
		}
		users[r.User] = append(users[r.User], r)
	}
	return users
}

func main() {
	model := porcupine.NondeterministicModel{
		Init:  func() []interface{} { return []interface{}{&wallet{}} },
		Step:  step,
		Equal: same,
	}
	users := read()
	names := make([]string, 0, len(users))
	for name := range users {
		names = append(names, name)
	}
	sort.Strings(names)
	status := 0
	for _, name := range names {
		begin := time.Now()
		result := porcupine.CheckOperationsTimeout(model.ToModel(), operations(users[name]), checkMax)
		fmt.Printf("%s: %d requests, %s, %.1f s\n", name, len(users[name]), result,
			time.Since(begin).Seconds())
		if result != porcupine.Ok {
			status = 1
		}
	}
	if len(names) == 0 {
		status = 2
	}
	os.Exit(status)
}
