package cas

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
)

// slowNetwork is a network that delays what is sent, and notes in which order calls were sent.
type slowNetwork struct {
	to http.RoundTripper

	mu     sync.Mutex
	random *rand.Rand
	clock  int            // ticks with every question and every call
	sent   map[string]int // by request ID
}

func (n *slowNetwork) tick() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.clock++
	return n.clock
}

func (n *slowNetwork) RoundTrip(r *http.Request) (*http.Response, error) {
	sent := n.tick()
	n.mu.Lock()
	wait := delay(n.random)
	n.mu.Unlock()
	select {
	case <-time.After(wait):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	resp, err := n.to.RoundTrip(r)
	if err == nil {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.sent[resp.Header.Get("X-Acs-Request-Id")] = sent
	}
	return resp, err
}

// delay is nothing, a network's or a bad network's, so that everything overtakes everything else.
func delay(random *rand.Rand) time.Duration {
	return time.Duration(random.Int64N([]int64{1, 2, int64(50 * time.Millisecond), int64(2 * time.Second)}[random.IntN(4)]))
}

// anything is a step of a service and a network that have every fault that may pass, and work most
// of the time.
func anything(random *rand.Rand) http.HandlerFunc {
	steps := []http.HandlerFunc{
		castest.Throttle(),
		castest.Throttle("X-Acs-Retry-After", "700"),
		castest.Throttle("X-Ratelimit-User", "Limit:1,Remain:0,TimeLeft:1200,Reset:1"),
		castest.Throttle("Retry-After", "2"),
		castest.Fault(http.StatusServiceUnavailable, "ServiceUnavailable", "later"),
		castest.Fault(http.StatusBadRequest, "SignatureNonceUsed", "again"),
		castest.HTML(http.StatusBadGateway),
		castest.Abort(), castest.Truncated(), castest.Hang(),
	}
	if i := random.IntN(3 * len(steps)); i < len(steps) {
		return castest.Delay(delay(random), steps[i])
	}
	return castest.Delay(delay(random), castest.Respond(castest.Assets()))
}

// Whatever the delays and the faults, and whichever readers give up: each response is to a call
// that left after its reader began, every reader that stays gets one, a reader that gives up
// returns at once, and the limit holds.
func TestEveryResultIsNewerThanItsRead(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				random := rand.New(rand.NewPCG(seed, 0))
				limit, readers := 1+random.IntN(10), 1+random.IntN(30)
				server := castest.New(castest.Options{CallsPerSecond: limit})
				for range 2000 {
					server.Script(anything(random))
				}
				network := &slowNetwork{to: server.Transport(), random: random, sent: map[string]int{}}
				client := inMemory(t, server, func(c *Config) {
					c.Transport, c.RequestsPerSecond, c.RequestTimeout, c.MaxRetries = network, limit, 5*time.Second, 100
				})
				var group sync.WaitGroup
				for reader := range readers {
					group.Go(func() {
						random := rand.New(rand.NewPCG(seed, uint64(1+reader)))
						for range 5 {
							<-time.After(delay(random))
							if random.IntN(4) == 0 {
								network.giveUp(t, client, random)
							} else {
								network.stay(t, client)
							}
						}
					})
				}
				group.Wait()
				synctest.Wait()
				within(t, server, limit)
				idle(t, client)
			})
		})
	}
}

func (n *slowNetwork) stay(t *testing.T, client *Client) {
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
	defer cancel()
	began := n.tick()
	count, err := client.GetAssetCount(ctx)
	if err != nil {
		t.Errorf("a reader that stays: got %v, want a response", err)
		return
	}
	n.check(t, began, count)
}

func (n *slowNetwork) giveUp(t *testing.T, client *Client, random *rand.Rand) {
	timeout := delay(random) * time.Duration(1+random.IntN(20))
	ctx, cancel := context.WithCancel(t.Context())
	if random.IntN(2) == 0 {
		ctx, cancel = context.WithTimeout(ctx, timeout)
	} else {
		time.AfterFunc(timeout, cancel)
	}
	defer cancel()
	began, started := n.tick(), time.Now()
	count, err := client.GetAssetCount(ctx)
	took := time.Since(started)
	wait, waited := errors.AsType[*WaitError](err)
	switch {
	case err == nil:
		n.check(t, began, count)
	case !waited || wait.For == "":
		t.Errorf("a reader that gave up: got %v, want what it waited for", err)
	case wait.Needs > 0 && wait.Elapsed+wait.Needs < timeout:
		t.Errorf("a reader that has the time of %s for it: got %#v, want a response", timeout, wait)
	case wait.Needs == 0 && took != timeout:
		t.Errorf("a reader that gave up: got back after %s, want %s", took, timeout)
	}
	if took > timeout {
		t.Errorf("a reader that gave up: got back after %s, want at most %s", took, timeout)
	}
}

func (n *slowNetwork) check(t *testing.T, began int, count *AssetCount) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if sent := n.sent[*count.RequestID]; sent < began {
		t.Errorf("got the response of a call sent at %d, want one after %d", sent, began)
	}
}
