package quota

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// service counts as strictly as one could: in every closed window of a second.
type service struct {
	mu       sync.Mutex
	arrivals []time.Time
}

func (s *service) arrive() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.arrivals = append(s.arrivals, time.Now())
}

func (s *service) most() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	most, first := 0, 0
	for i, arrival := range s.arrivals {
		for arrival.Sub(s.arrivals[first]) > time.Second {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

// delay is nothing, a network's or a bad network's, so that everything overtakes everything else.
func delay(random *rand.Rand) time.Duration {
	return time.Duration(random.Int64N([]int64{1, 2, int64(50 * time.Millisecond), int64(time.Second)}[random.IntN(4)]))
}

// Whatever the delays, however many processes, whoever is killed: no more than the limit arrives in any second, and
// everybody else gets through.
func TestBound(t *testing.T) {
	t.Parallel()
	for seed := range uint64(40) {
		dir := t.TempDir()
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				random := rand.New(rand.NewPCG(seed, 0))
				limit, processes, readers := 1+random.IntN(10), 1+random.IntN(6), 1+random.IntN(6)
				const calls, hold = 6, 3 * time.Second
				if processes == 1 && random.IntN(2) == 0 {
					dir = ""
				}

				var server service
				var group sync.WaitGroup
				for process := range processes {
					quota := open(dir, limit)
					for reader := range readers {
						group.Go(func() {
							random := rand.New(rand.NewPCG(seed, uint64(1+process*readers+reader)))
							for range calls {
								<-time.After(delay(random))
								place := await(quota, hold)
								<-time.After(delay(random))
								server.arrive()
								if random.IntN(10) == 0 {
									continue // killed: another process carries on
								}
								<-time.After(delay(random))
								place.Release()
							}
						})
					}
				}
				group.Wait()
				if got, want := len(server.arrivals), processes*readers*calls; got != want {
					t.Errorf("%d calls arrived, want %d", got, want)
				}
				if got := server.most(); got > limit {
					t.Errorf("%d calls arrived in a second, limit %d", got, limit)
				}
			})
		})
	}
}

// Waiting until the time that Take names loses nothing: a saturated service gets as many calls as the limit and the
// round trip allow.
func TestThroughput(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		processes int
		roundTrip time.Duration
	}{
		"one":               {1, 50 * time.Millisecond},
		"one, far away":     {1, 700 * time.Millisecond},
		"one, slow":         {1, 2300 * time.Millisecond},
		"twenty":            {20, 50 * time.Millisecond},
		"twenty, far away":  {20, 700 * time.Millisecond},
		"twenty, very slow": {20, 2300 * time.Millisecond},
	} {
		dir := t.TempDir()
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const limit, rounds = 10, 20
				end := time.Now().Add(rounds * (time.Second + test.roundTrip))
				var server service
				var group sync.WaitGroup
				for range test.processes {
					quota := open(dir, limit)
					for range 40 / test.processes {
						group.Go(func() {
							for place := await(quota, hold); time.Now().Before(end); place = await(quota, hold) {
								<-time.After(test.roundTrip / 2)
								server.arrive()
								<-time.After(test.roundTrip / 2)
								place.Release()
							}
						})
					}
				}
				group.Wait()
				if got, want := len(server.arrivals), limit*rounds; got < want*99/100 || got > want {
					t.Errorf("%d calls arrived, the limit and the round trip allow %d", got, want)
				}
			})
		})
	}
}

// There is no queue between processes, yet none of them is left out while the others never stop asking.
func TestNobodyStarves(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		end := time.Now().Add(time.Minute)
		calls := make([]int, 20)
		var group sync.WaitGroup
		for i := range calls {
			quota := open(dir, 10)
			group.Go(func() {
				for place := await(quota, hold); time.Now().Before(end); place = await(quota, hold) {
					calls[i]++
					<-time.After(50 * time.Millisecond)
					place.Release()
				}
			})
		}
		group.Wait()
		if slices.Min(calls) == 0 {
			t.Errorf("calls by process: %v, want none of them left out", calls)
		}
	})
}
