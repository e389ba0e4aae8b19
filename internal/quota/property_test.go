package quota

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
)

// service counts as strictly as its clock allows: in every closed window of a second.
type service struct {
	mu       sync.Mutex
	arrivals []arrival
}

type arrival struct {
	caller int
	at     time.Time
}

func (s *service) arrive(caller int, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.arrivals = append(s.arrivals, arrival{caller, at})
}

// maximum returns the largest number of calls in a second, of all or of one caller.
func (s *service) maximum(caller int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	var arrivals []time.Time
	for _, a := range s.arrivals {
		if caller == all || caller == a.caller {
			arrivals = append(arrivals, a.at)
		}
	}
	return castest.MaxWithin(window-clockTick, arrivals)
}

const all = -1

// delay is none, a network's or a bad network's, so that calls overtake each other.
func delay(random *rand.Rand) time.Duration {
	return time.Duration(random.Int64N([]int64{1, 2, int64(50 * time.Millisecond), int64(time.Second)}[random.IntN(4)]))
}

// victim is a process that is stopped or killed as a whole.
type victim struct {
	*process
	killable bool
	running  chan struct{} // is empty while the process is stopped
	dead     chan struct{}
}

// runs waits while the process is stopped, and reports whether it lives.
func (v *victim) runs() bool {
	select {
	case <-v.running:
		v.running <- struct{}{}
		return true
	case <-v.dead:
		return false
	}
}

// harm stops the process, hangs its file system or kills it now and then.
func (v *victim) harm(random *rand.Rand, ended <-chan struct{}) {
	for {
		select {
		case <-ended:
			return
		case <-time.After(10 * delay(random)):
		}
		switch random.IntN(8) {
		case 0, 1:
			<-v.running
			if v.killable {
				close(v.dead)
				return
			}
			time.Sleep(time.Duration(random.Int64N(int64(10 * time.Second))))
			v.running <- struct{}{}
		case 2, 3:
			v.hang()
			time.Sleep(time.Duration(random.Int64N(int64((ticks - 1) * tick))))
			v.goOn()
		}
	}
}

// read makes calls. What a killed process sent arrives at once, not when its place is free again.
func (v *victim) read(t *testing.T, caller, calls int, random *rand.Rand, server *service) {
	for calls > 0 && v.runs() {
		time.Sleep(delay(random))
		if !v.runs() {
			return
		}
		start := time.Now()
		place, again := v.Take()
		if took := time.Since(start); took > ticks*tick {
			t.Errorf("process %d: Take took %s, want at most %s", caller, took, ticks*tick)
		}
		if place == nil {
			time.Sleep(time.Until(again))
			continue
		}
		if !v.killable {
			time.Sleep(delay(random))
		}
		if v.runs() {
			server.arrive(caller, time.Now())
			calls--
			time.Sleep(delay(random))
		}
		if !v.runs() {
			place.file.Close()
			return
		}
		place.Release()
	}
}

// Whatever processes do, and whatever happens to them: no more than the limit arrives in any
// second, those that live get through, and nothing stays locked. A step of the clock ahead lets one
// call more through for each place.
func TestNoSecondHasMoreCallsThanPlaces(t *testing.T) {
	t.Parallel()
	seeds := map[string]uint64{}
	for seed := range uint64(60) {
		seeds[fmt.Sprint(seed)] = seed
	}
	forEach(t, seeds, func(t *testing.T, dir string, seed uint64) {
		const calls = 6
		random := rand.New(rand.NewPCG(seed, 0))
		processes, readers := 1+random.IntN(6), 1+random.IntN(6)
		steps := []time.Duration{0, 0, time.Second / 2, time.Hour, -time.Second / 2, -5 * time.Second, -time.Hour}
		step, every := steps[random.IntN(len(steps))], 2*time.Second+time.Duration(random.Int64N(int64(20*time.Second)))
		start := time.Now()
		wall := func(t time.Time) int64 { return t.UnixNano() + int64(step)*int64(t.Sub(start)/every) }

		var server service
		var group sync.WaitGroup
		var victims []*victim
		limit, alive := 0, 0
		ended := make(chan struct{})
		for i := range processes {
			v := &victim{killable: random.IntN(3) == 0}
			v.process, v.running, v.dead = open(t, dir, 1+random.IntN(10)), make(chan struct{}, 1), make(chan struct{})
			v.wall, limit = wall, max(limit, len(v.free))
			v.running <- struct{}{}
			victims = append(victims, v)
			go v.harm(rand.New(rand.NewPCG(seed, uint64(1+i))), ended)
			for reader := range readers {
				group.Go(func() { v.read(t, i, calls, rand.New(rand.NewPCG(seed, uint64(100*(1+i)+reader))), &server) })
			}
		}
		group.Wait()
		close(ended)
		time.Sleep(time.Minute)
		for i, v := range victims {
			if v.runs() {
				alive++
			}
			if got := server.maximum(i); got > len(v.free) {
				t.Errorf("process %d: got %d calls in a second, want at most %d", i, got, len(v.free))
			}
		}
		want := limit
		if step > 0 {
			want *= 2
		}
		if got := server.maximum(all); got > want {
			t.Errorf("got %d calls in a second, want at most %d", got, want)
		}
		if got, want := len(server.arrivals), alive*readers*calls; got < want {
			t.Errorf("got %d calls, want at least %d", got, want)
		}
		next := open(t, dir, limit) // it may find that the clock was set back
		for place, _ := next.Take(); place != nil; place, _ = next.Take() {
			place.Release()
		}
		time.Sleep(window)
		next.takes(t, limit)
	})
}
