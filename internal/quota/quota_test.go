package quota

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofrs/flock"
)

// process is a quota as another process has it, with a log of its own. It can be stopped, its file can hang, and its
// clock can be set.
type process struct {
	*Quota
	log bytes.Buffer

	mu      sync.Mutex
	hang    chan struct{}
	fails   error
	step    time.Duration
	stepped time.Time // when the clock was set
}

func open(t testing.TB, dir string, places int) *process {
	t.Helper()
	p := new(process)
	p.Quota = Open(Config{
		Dir:    dir,
		Name:   "cas.aliyuncs.com 1234567890",
		Places: places,
		Logger: slog.New(slog.NewTextHandler(&p.log, nil)),
	})
	p.wall = p.clock
	p.file.wait = p.lock
	t.Cleanup(func() {
		p.resume()
		p.releaseAll()
		for p.exchanges() {
			time.Sleep(time.Millisecond)
		}
		p.renewal.Stop()
	})
	return p
}

// exchanges reports whether an exchange uses the file, or is going to.
func (p *process) exchanges() bool {
	p.Quota.mu.Lock()
	defer p.Quota.mu.Unlock()
	return p.next != nil || len(p.turn) > 0
}

func (p *process) clock(t time.Time) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t.After(p.stepped) {
		t = t.Add(p.step)
	}
	return t.UnixNano()
}

// setClock lets the clock step right after now.
func (p *process) setClock(step time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.step, p.stepped = step, time.Now()
}

// suspend lets the wall clock alone go on for step, and then both for a nanosecond.
func (p *process) suspend(step time.Duration) {
	p.setClock(step)
	time.Sleep(time.Nanosecond)
}

// stop hangs exchanges at the lock, as where the process was stopped or killed, or who has the lock was.
func (p *process) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hang = make(chan struct{})
}

func (p *process) resume() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.hang != nil {
		close(p.hang)
		p.hang = nil
	}
}

// fail makes the file fail, or work again.
func (p *process) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fails = err
}

func (p *process) lock(lock *flock.Flock) error {
	p.mu.Lock()
	hang, err := p.hang, p.fails
	p.mu.Unlock()
	if hang != nil {
		<-hang
	}
	if err != nil {
		return err
	}
	return lock.Lock()
}

func (p *process) releaseAll() {
	p.Quota.mu.Lock()
	places := append([]*Place(nil), p.own...)
	p.Quota.mu.Unlock()
	for _, place := range places {
		place.Release()
	}
}

// takeAll takes places until none is free, and returns them with the time until it asks again.
func (p *process) takeAll(t testing.TB) (places []*Place, wait time.Duration) {
	t.Helper()
	for {
		place, again := p.Take(t.Context())
		if place == nil {
			return places, time.Until(again)
		}
		places = append(places, place)
	}
}

// want checks how many places can be taken now.
func (p *process) want(t testing.TB, want int) []*Place {
	t.Helper()
	places, _ := p.takeAll(t)
	if got := len(places); got != want {
		t.Errorf("got %d places, want %d", got, want)
	}
	return places
}

// await takes a place as soon as there is one.
func (q *Quota) await(ctx context.Context) *Place {
	for {
		place, again := q.Take(ctx)
		switch {
		case place == nil:
			time.Sleep(time.Until(again))
		case place.Held():
			return place
		default:
			place.Release()
		}
	}
}

// since checks how long something took.
func since(t testing.TB, start time.Time, want time.Duration) {
	t.Helper()
	if got := time.Since(start); got != want {
		t.Errorf("got it after %v, want %v", got, want)
	}
}

func TestTake(t *testing.T) {
	t.Parallel()
	for name, dir := range map[string]string{"alone": "", "file": t.TempDir()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := open(t, dir, 3)
				places, wait := p.takeAll(t)
				if got := len(places); got != 3 {
					t.Fatalf("got %d places, want 3", got)
				}
				if wait != window+1 {
					t.Errorf("got a wait of %v, want just over %v", wait, window)
				}

				time.Sleep(700 * time.Millisecond)
				places[0].Release()
				if _, wait := p.takeAll(t); wait != window+1 {
					t.Errorf("got a wait of %v after the release, want just over %v", wait, window)
				}
				time.Sleep(window)
				places, wait = p.takeAll(t)
				if got := len(places); got != 0 {
					t.Errorf("a second after the release: got %d places, want none yet", got)
				}
				if wait != 1 {
					t.Errorf("a second after the release: got a wait of %v, want 1ns", wait)
				}
				time.Sleep(time.Nanosecond)
				p.want(t, 1)
			})
		})
	}
}

// The places of a process that died are free as soon as its last lease is over.
func TestKilled(t *testing.T) {
	t.Parallel()
	for name, out := range map[string]time.Duration{"at once": 0, "after a while": 10 * time.Minute, "between": 1500 * time.Millisecond} {
		dir := t.TempDir()
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				killed, other := open(t, dir, 10), open(t, dir, 10)
				killed.want(t, 10)
				time.Sleep(out)
				synctest.Wait()
				killed.stop()
				start := time.Now()
				other.await(t.Context())
				if got := time.Since(start); got > lease+1 || got < lease-renewal {
					t.Errorf("got a place after %v, want it after %v to %v", got, lease-renewal, lease)
				}
				other.want(t, 9)
			})
		})
	}
}

func TestUntilFewer(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		stays []time.Duration
		n     int
		want  time.Duration
	}{
		"none":          {n: 1, want: 0},
		"fewer":         {stays: []time.Duration{9}, n: 2, want: 0},
		"one too many":  {stays: []time.Duration{9, 5, 7}, n: 3, want: 6},
		"two too many":  {stays: []time.Duration{9, 5, 7}, n: 2, want: 8},
		"all too many":  {stays: []time.Duration{9, 5, 7}, n: 0, want: window},
		"none, of none": {n: 0, want: window},
		"below zero":    {n: -1, want: window},
		"for longer":    {stays: []time.Duration{time.Hour}, n: 1, want: window + 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := untilFewer(test.stays, test.n); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

// A call may be out for as long as it likes: its lease is renewed.
func TestRenewed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		p, other := open(t, dir, 1), open(t, dir, 1)
		place := p.await(t.Context())
		for end := time.Now().Add(time.Minute); time.Now().Before(end); {
			got, again := other.Take(t.Context())
			if got != nil {
				t.Fatal("got the place in the other process, want none")
			}
			if wait := time.Until(again); wait > window+1 {
				t.Errorf("got a wait of %v, want just over %v at most", wait, window)
			}
			time.Sleep(time.Until(again))
			if !place.Held() {
				t.Fatal("got a place that no longer holds, want one that does")
			}
		}
	})
}

func TestReleaseReachesOthers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		a, b := open(t, dir, 2), open(t, dir, 2)
		places := a.want(t, 2)
		b.want(t, 0)
		time.Sleep(3 * time.Second)
		places[1].Release()
		start := time.Now()
		b.await(t.Context())
		since(t, start, window+1)
	})
}

func TestReleaseTwice(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		p := open(t, dir, 1)
		place := p.await(t.Context())
		place.Release()
		time.Sleep(window + 1)
		place.Release()
		p.want(t, 1)
	})
}

// A process trusts its memory for its own calls, whatever becomes of the file's leases.
func TestReleaseAfterStop(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		p := open(t, dir, 1)
		late := p.await(t.Context())
		p.stop()
		time.Sleep(time.Minute)
		p.resume()
		p.want(t, 0)
		late.Release()
		start := time.Now()
		p.await(t.Context())
		since(t, start, window+1)
	})
}

func TestHeld(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		happens func(*process, *Place)
		want    bool
	}{
		"nothing":                        {happens: func(*process, *Place) {}, want: true},
		"stopped for a moment":           {happens: func(*process, *Place) { time.Sleep(lease - margin) }, want: true},
		"stopped for longer":             {happens: func(*process, *Place) { time.Sleep(lease - margin + 1) }, want: false},
		"suspended for a moment":         {happens: func(p *process, _ *Place) { p.suspend(lease - margin - 1) }, want: true},
		"suspended for longer":           {happens: func(p *process, _ *Place) { p.suspend(lease - margin) }, want: false},
		"clock set back, stopped":        {happens: func(p *process, _ *Place) { p.setClock(-time.Hour); time.Sleep(lease) }, want: false},
		"released":                       {happens: func(_ *process, place *Place) { place.Release() }, want: false},
		"stopped for longer, and renews": {happens: func(p *process, _ *Place) { time.Sleep(lease); p.resume(); synctest.Wait() }, want: true},
	} {
		dir := t.TempDir()
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := open(t, dir, 1)
				place := p.await(t.Context())
				synctest.Wait()
				p.stop()
				test.happens(p, place)
				if got := place.Held(); got != test.want {
					t.Errorf("got %v, want %v", got, test.want)
				}
			})
		})
	}
}

func TestContextEnds(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		p := open(t, dir, 2)
		p.stop()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second+tick/2)
		defer cancel()
		start := time.Now()
		place, again := p.Take(ctx)
		if place != nil {
			t.Error("got a place, want none")
		}
		if !again.After(time.Now()) {
			t.Errorf("got %v as the time to ask again, want one to come", again)
		}
		since(t, start, time.Second+tick/2)
		p.resume()
		p.want(t, 2) // nothing was taken for who has left
	})
}

func TestPlacesAtLeastOne(t *testing.T) {
	t.Parallel()
	open(t, t.TempDir(), -1).want(t, 1)
}

func TestNamesDiffer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		for i := range 3 {
			q := Open(Config{Dir: dir, Name: fmt.Sprint("account ", i), Places: 1, Logger: slog.New(slog.DiscardHandler)})
			place, _ := q.Take(t.Context())
			if place == nil {
				t.Errorf("account %d: got no place, want one", i)
				continue
			}
			place.Release()
		}
	})
}

// Each process keeps to its own limit, and all together to the largest one.
func TestLimitsDiffer(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ places, want []int }{
		"few, then many":       {places: []int{2, 5}, want: []int{2, 3}},
		"many, then few":       {places: []int{5, 2}, want: []int{5, 0}},
		"some of many":         {places: []int{3, 10, 10}, want: []int{3, 7, 0}},
		"few beside few":       {places: []int{2, 3, 2}, want: []int{2, 1, 0}},
		"few of one that left": {places: []int{1, 1, 1}, want: []int{1, 0, 0}},
	} {
		dir := t.TempDir()
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				for i, places := range test.places {
					open(t, dir, places).want(t, test.want[i])
				}
			})
		})
	}
}

// Who waits gets places in the order in which they began to, each as soon as it is free, while one who is late, or has
// given up, holds up the others for a fraction of a second.
func TestQueue(t *testing.T) {
	t.Parallel()
	never := time.Hour
	for name, test := range map[string]struct {
		late []time.Duration // of those who wait, in order
		want []time.Duration // when each gets a place after it was free for the first time
	}{
		"in order": {
			late: []time.Duration{0, 0, 0, 0},
			want: []time.Duration{1, window + 2, 2*window + 3, 3*window + 4},
		},
		"one gave up": {
			late: []time.Duration{never, 0, 0},
			want: []time.Duration{never, grace + 2, window + grace + 3},
		},
		"two gave up": {
			late: []time.Duration{never, never, 0},
			want: []time.Duration{never, never, 2*time.Millisecond + grace + 1},
		},
		"a bit late": {
			late: []time.Duration{grace / 2, 0, 0},
			want: []time.Duration{grace/2 + 1, window + grace/2 + 2, 2*window + grace/2 + 3},
		},
		"late": {
			late: []time.Duration{2 * grace, 0, 0},
			want: []time.Duration{window + grace + 3, grace + 2, 2*window + grace + 4},
		},
	} {
		dir := t.TempDir()
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				place := open(t, dir, 1).await(t.Context())
				free := time.Now().Add(2 * window)
				var group sync.WaitGroup
				got := make([]time.Duration, len(test.late))
				for i, late := range test.late {
					time.Sleep(time.Millisecond)
					p := open(t, dir, 1)
					got[i] = never
					group.Go(func() {
						for {
							place, again := p.Take(t.Context())
							if place != nil {
								got[i] = time.Since(free)
								place.Release()
								return
							}
							if again.After(free) {
								again = again.Add(late)
								late = 0
							}
							if again.Sub(free) >= never {
								return
							}
							time.Sleep(time.Until(again))
						}
					})
				}
				time.Sleep(time.Until(free.Add(-window)))
				place.Release()
				group.Wait()
				for i, want := range test.want {
					if got[i] != want {
						t.Errorf("number %d: got a place after %v, want %v", i, got[i], want)
					}
				}
			})
		})
	}
}

// A process that gave up long ago doesn't come first when it begins to wait again.
func TestWaitsAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		place := open(t, dir, 1).await(t.Context())
		first, second := open(t, dir, 1), open(t, dir, 1)
		first.want(t, 0)
		time.Sleep(10 * time.Second)
		second.want(t, 0)
		time.Sleep(time.Millisecond)
		place.Release()
		start := time.Now()
		first.want(t, 0)
		second.await(t.Context())
		since(t, start, window+1)
	})
}

// A step of the clock ends nobody's lease early. Ahead, each process that sees it begins the leases again.
func TestClockSteps(t *testing.T) {
	t.Parallel()
	const year = 365 * 24 * time.Hour
	for name, test := range map[string]struct {
		step    time.Duration
		longest time.Duration
	}{
		"none":         {step: 0, longest: lease},
		"second back":  {step: -time.Second, longest: lease},
		"hour back":    {step: -time.Hour, longest: lease},
		"years back":   {step: -50 * year, longest: lease},
		"second ahead": {step: time.Second, longest: lease + renewal},
		"hour ahead":   {step: time.Hour, longest: lease + renewal},
		"years ahead":  {step: 50 * year, longest: lease + renewal},
	} {
		dir := t.TempDir()
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				alive, killed, other := open(t, dir, 4), open(t, dir, 4), open(t, dir, 4)
				killed.await(t.Context())
				synctest.Wait()
				killed.stop()
				for range 3 {
					alive.await(t.Context())
				}
				alive.setClock(test.step)
				other.setClock(test.step)
				time.Sleep(time.Nanosecond)

				start := time.Now()
				other.await(t.Context())
				if got := time.Since(start) - 1; got < lease-1 || got > test.longest {
					t.Errorf("got the killed process' place after %v, want %v to %v", got, lease, test.longest)
				}
				alive.want(t, 0)
			})
		})
	}
}

func BenchmarkTakeRelease(b *testing.B) {
	dir := b.TempDir()
	open(b, dir, 9).takeAll(b) // what the file holds when it is busy
	p := open(b, dir, 10)
	for b.Loop() {
		place, _ := p.Take(b.Context())
		place.Release()
		p.Quota.mu.Lock()
		p.own = nil
		p.Quota.mu.Unlock()
	}
}
