package quota

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// service counts as strictly as its clock allows: in every closed window of a second.
type service struct {
	mu       sync.Mutex
	arrivals []time.Time
	callers  []int
}

func (s *service) arrive(caller int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.arrivals = append(s.arrivals, time.Now())
	s.callers = append(s.callers, caller)
}

// maximum returns the largest number of calls in a second, of all or of one caller.
func (s *service) maximum(counts func(caller int) bool) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	var recent []time.Time
	maximum := 0
	for i, arrival := range s.arrivals {
		if counts(s.callers[i]) {
			recent = append(recent, arrival)
			recent = slices.DeleteFunc(recent, func(t time.Time) bool { return arrival.Sub(t) > time.Second-clockTick })
			maximum = max(maximum, len(recent))
		}
	}
	return maximum
}

func all(int) bool { return true }

// delay is nothing, a network's or a bad network's, so that everything overtakes everything else.
func delay(random *rand.Rand) time.Duration {
	return time.Duration(random.Int64N([]int64{1, 2, int64(50 * time.Millisecond), int64(time.Second)}[random.IntN(4)]))
}

// victim is a process that is stopped or killed as a whole.
type victim struct {
	*process
	limit int

	mu      sync.Mutex
	taking  int // readers that a stop has to let pass first
	stopped chan struct{}
	dead    bool
}

// runs waits while the process is stopped, and reports whether it lives.
func (v *victim) runs(taking int) bool {
	for {
		v.mu.Lock()
		stopped, dead := v.stopped, v.dead
		if stopped == nil || dead {
			v.taking += taking
			v.mu.Unlock()
			return !dead
		}
		v.mu.Unlock()
		<-stopped
	}
}

// freeze stops all of the process but what asks for a place just now.
func (v *victim) freeze() {
	for {
		v.mu.Lock()
		if v.taking == 0 {
			v.stopped = make(chan struct{})
			v.stop()
			v.mu.Unlock()
			return
		}
		v.mu.Unlock()
		time.Sleep(time.Nanosecond)
	}
}

func (v *victim) thaw() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.resume()
	close(v.stopped)
	v.stopped = nil
}

func (v *victim) kill() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.stop()
	v.dead = true
}

// harm stops the process, hangs its file or kills it now and then.
func (v *victim) harm(random *rand.Rand, ended <-chan struct{}) {
	for {
		select {
		case <-ended:
			return
		case <-time.After(10 * delay(random)):
		}
		switch random.IntN(8) {
		case 0:
			v.kill()
			return
		case 1, 2:
			v.freeze()
			time.Sleep(time.Duration(random.Int64N(int64(10 * time.Second))))
			v.thaw()
		case 3, 4:
			v.stop()
			time.Sleep(time.Duration(random.Int64N(int64(fileTimeout))))
			v.resume()
		}
	}
}

// read makes calls as the client does.
func (v *victim) read(caller, calls int, random *rand.Rand, server *service) {
	for calls > 0 {
		time.Sleep(delay(random))
		ctx, cancel := context.WithCancel(context.Background())
		if random.IntN(5) == 0 {
			ctx, cancel = context.WithTimeout(ctx, delay(random))
		}
		if !v.runs(1) {
			cancel()
			return
		}
		place, again := v.Take(ctx)
		cancel()
		v.mu.Lock()
		v.taking--
		v.mu.Unlock()
		switch {
		case !v.runs(0):
			return
		case place == nil:
			time.Sleep(time.Until(again))
			continue
		case !place.Held():
			place.Release()
			continue
		}
		time.Sleep(delay(random))
		server.arrive(caller)
		calls--
		time.Sleep(delay(random))
		if !v.runs(0) {
			return
		}
		place.Release()
	}
}

// Whatever the delays, however many processes with whatever limits, whoever is stopped or killed, hangs, gives up or
// sets the clock: no more than the limit arrives in any second, everybody who lives gets through, and nothing is left behind.
func TestBound(t *testing.T) {
	t.Parallel()
	for seed := range uint64(40) {
		dir := t.TempDir()
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				random := rand.New(rand.NewPCG(seed, 0))
				processes, readers := 1+random.IntN(6), 1+random.IntN(6)
				const calls = 6
				if processes == 1 && random.IntN(2) == 0 {
					dir = ""
				}
				// Back and forth within seconds may end a lease early.
				steps := []time.Duration{0, time.Second / 2, 5 * time.Second, time.Hour}
				step := steps[random.IntN(len(steps))] * time.Duration(1-2*random.IntN(2))
				start, every := time.Now(), time.Duration(1+random.Int64N(int64(20*time.Second)))
				wall := func(t time.Time) int64 { return t.UnixNano() + int64(step)*int64(t.Sub(start)/every) }

				var server service
				var group sync.WaitGroup
				var victims []*victim
				limit, alive := 0, 0
				ended := make(chan struct{})
				for i := range processes {
					v := &victim{limit: 1 + random.IntN(10)}
					limit = max(limit, v.limit)
					v.process = open(t, dir, v.limit)
					v.wall, v.last = wall, start
					victims = append(victims, v)
					if dir != "" {
						go v.harm(rand.New(rand.NewPCG(seed, uint64(1+i))), ended)
					}
					for reader := range readers {
						group.Go(func() { v.read(i, calls, rand.New(rand.NewPCG(seed, uint64(100*(1+i)+reader))), &server) })
					}
				}
				group.Wait()
				close(ended)
				time.Sleep(time.Minute)
				for i, v := range victims {
					v.mu.Lock()
					if !v.dead {
						alive++
						if v.exchanges() {
							t.Errorf("process %d: got an exchange, want none", i)
						}
						v.Quota.mu.Lock()
						if got := len(v.own); got > 0 {
							t.Errorf("process %d: got %d places, want none", i, got)
						}
						v.Quota.mu.Unlock()
					}
					v.mu.Unlock()
					if got := server.maximum(func(caller int) bool { return caller == i }); got > v.limit {
						t.Errorf("process %d: got %d calls in a second, want at most %d", i, got, v.limit)
					}
				}
				if got := server.maximum(all); got > limit {
					t.Errorf("got %d calls in a second, want at most %d", got, limit)
				}
				if got, want := len(server.arrivals), alive*readers*calls; got < want {
					t.Errorf("got %d calls, want at least %d", got, want)
				}
			})
		})
	}
}

// callUntil makes one call after the other.
func (p *process) callUntil(t *testing.T, end time.Time, roundTrip time.Duration, server *service, caller int) {
	place := p.await(t.Context())
	for ; time.Now().Before(end); place = p.await(t.Context()) {
		time.Sleep(roundTrip / 2)
		server.arrive(caller)
		time.Sleep(roundTrip / 2)
		place.Release()
	}
	place.Release()
}

// Waiting until the time that Take names loses nothing: a saturated service gets as many calls as the limit and the
// round trip allow, and each process gets its share of them.
func TestThroughput(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		processes int
		roundTrip time.Duration
	}{
		"one":               {processes: 1, roundTrip: 50 * time.Millisecond},
		"one, far away":     {processes: 1, roundTrip: 700 * time.Millisecond},
		"one, slow":         {processes: 1, roundTrip: 2300 * time.Millisecond},
		"twenty":            {processes: 20, roundTrip: 50 * time.Millisecond},
		"twenty, far away":  {processes: 20, roundTrip: 700 * time.Millisecond},
		"twenty, very slow": {processes: 20, roundTrip: 2300 * time.Millisecond},
	} {
		dir := t.TempDir()
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const limit, rounds = 10, 8
				end := time.Now().Add(rounds * (window + test.roundTrip))
				var server service
				var group sync.WaitGroup
				for caller := range test.processes {
					p := open(t, dir, limit)
					for range 40 / test.processes {
						group.Go(func() {
							p.callUntil(t, end, test.roundTrip, &server, caller)
						})
					}
				}
				group.Wait()
				if got, want := len(server.arrivals), limit*rounds; got < want*99/100 || got > want {
					t.Errorf("got %d calls, want %d as the limit and the round trip allow", got, want)
				}
				calls := make([]int, test.processes)
				for _, caller := range server.callers {
					calls[caller]++
				}
				if slices.Max(calls)-slices.Min(calls) > 2 {
					t.Errorf("got %v calls by process, want the same of each", calls)
				}
			})
		})
	}
}

// A plan with a small limit beside busy ones with a larger one gets its share at once.
func TestSmallLimit(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		end := time.Now().Add(time.Minute)
		var server service
		var group sync.WaitGroup
		run := func(caller, limit int) { // one call after the other, spread over the second, as the client does
			p := open(t, dir, limit)
			group.Go(func() {
				for place := p.await(t.Context()); time.Now().Before(end); place = p.await(t.Context()) {
					server.arrive(caller)
					time.Sleep(20 * time.Millisecond)
					place.Release()
					time.Sleep(time.Second/time.Duration(limit) - 20*time.Millisecond)
				}
			})
		}
		run(0, 10)
		run(1, 10)
		time.Sleep(10 * time.Second)
		start := time.Now()
		run(2, 3)
		group.Wait()
		if got := server.maximum(all); got > 10 {
			t.Errorf("got %d calls in a second, want at most 10", got)
		}
		if got := server.maximum(func(caller int) bool { return caller == 2 }); got > 3 {
			t.Errorf("got %d of them from the one with the small limit, want at most 3", got)
		}
		first := slices.Index(server.callers, 2)
		if got := server.arrivals[first].Sub(start); got > window {
			t.Errorf("got its first call after %v, want it at once", got)
		}
		count := len(slices.DeleteFunc(slices.Clone(server.callers), func(caller int) bool { return caller != 2 }))
		if count < 60 {
			t.Errorf("got %d of its calls in 50s, want at least 60, more than one a second", count)
		}
	})
}
