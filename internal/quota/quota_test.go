package quota

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// process is a quota as another process has it, which can be killed, hang, fail or see its clock
// set.
type process struct {
	*Quota
	log    bytes.Buffer
	places []*Place // which it holds
	hangs  atomic.Pointer[chan struct{}]
	fails  atomic.Pointer[error]
	step   atomic.Int64
}

func open(t testing.TB, dir string, places int) *process {
	t.Helper()
	p := new(process)
	p.Quota = Open(dir, "cas.aliyuncs.com 1234567890", places, slog.New(slog.NewTextHandler(&p.log, nil)))
	p.wall = func(t time.Time) int64 { return t.UnixNano() + p.step.Load() }
	p.lock = func(file *os.File) error {
		if hangs := p.hangs.Load(); hangs != nil {
			<-*hangs
		}
		if fails := p.fails.Load(); fails != nil {
			return *fails
		}
		return tryLock(file)
	}
	t.Cleanup(func() {
		p.goOn()
		p.kill()
	})
	return p
}

// virtual runs a test in virtual time, with a directory for the files of its processes.
func virtual(t *testing.T, test func(t *testing.T, dir string)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) { test(t, dir) })
}

func forEach[T any](t *testing.T, cases map[string]T, test func(t *testing.T, dir string, c T)) {
	t.Helper()
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			virtual(t, func(t *testing.T, dir string) { test(t, dir, c) })
		})
	}
}

// hang makes the file system of the process hang until it goes on.
func (p *process) hang() {
	hangs := make(chan struct{})
	p.hangs.Store(&hangs)
}

func (p *process) goOn() {
	if hangs := p.hangs.Swap(nil); hangs != nil {
		close(*hangs)
	}
}

// kill closes the files of the process, as the system does when it ends.
func (p *process) kill() {
	for _, place := range p.places {
		place.file.Close()
	}
	p.places = nil
}

func (p *process) release() {
	for _, place := range p.places {
		place.Release()
	}
	p.places = nil
	synctest.Wait()
}

// takes checks how many places the process gets now, and returns how long it waits then.
func (p *process) takes(t testing.TB, want int) (wait time.Duration) {
	t.Helper()
	for got := 0; ; got++ {
		place, again := p.Take()
		if place == nil {
			if got != want {
				t.Errorf("got %d places, want %d", got, want)
			}
			return time.Until(again)
		}
		p.places = append(p.places, place)
	}
}

// waits takes a place as soon as there is one, and returns how long that took.
func (p *process) waits() time.Duration {
	start := time.Now()
	p.places = append(p.places, await(p.Quota))
	return time.Since(start)
}

func await(q *Quota) *Place {
	for {
		place, again := q.Take()
		if place != nil {
			return place
		}
		time.Sleep(time.Until(again))
	}
}

// warned checks that the process warned once, and why.
func (p *process) warned(t testing.TB, reason string) {
	t.Helper()
	if got := p.log.String(); strings.Count(got, "level=WARN") != 1 || !strings.Contains(got, reason) {
		t.Errorf("got %q in the log, want one warning with the reason %q", got, reason)
	}
}

func (p *process) file(number int) string { return fmt.Sprint(p.path, number) }

// A place is free just over a second after its release, alone or among processes.
func TestPlaceIsFreeASecondAfterItsRelease(t *testing.T) {
	t.Parallel()
	forEach(t, map[string]bool{"alone": true, "files": false}, func(t *testing.T, dir string, alone bool) {
		if alone {
			dir = ""
		}
		p := open(t, dir, 3)
		if wait := p.takes(t, 3); wait != window {
			t.Errorf("got a wait of %s while all calls are out, want %s", wait, window)
		}
		time.Sleep(700 * time.Millisecond)
		p.places[0].Release()
		if wait := p.takes(t, 0); wait != window {
			t.Errorf("got a wait of %s after a release, want %s", wait, window)
		}
		time.Sleep(window - 1)
		if wait := p.takes(t, 0); wait != 1 {
			t.Errorf("got a wait of %s a second after the release, want 1ns", wait)
		}
		time.Sleep(time.Nanosecond)
		p.takes(t, 1)
	})
}

// When another process gets the place of a call that was out for a while.
func TestOtherProcessGetsThePlace(t *testing.T) {
	t.Parallel()
	const out, year = 300 * time.Millisecond, 365 * 24 * time.Hour
	type row struct {
		becomes  func(holder *process)
		step     time.Duration // of the clock
		min, max time.Duration // until the other process gets the place
	}
	forEach(t, map[string]row{
		"response":          {becomes: (*process).release, min: window, max: window},
		"killed":            {becomes: (*process).kill, min: window - out, max: window - out},
		"killed after long": {becomes: func(p *process) { time.Sleep(time.Minute); p.kill() }},
		"stopped for long": {becomes: func(p *process) {
			time.AfterFunc(time.Minute, p.places[0].Release)
			p.places = nil
		}, min: time.Minute + window, max: time.Minute + window + time.Second},
		"moment back":  {becomes: (*process).release, step: -time.Second / 4, min: window, max: 2 * window},
		"years back":   {becomes: (*process).release, step: -50 * year, min: window, max: window},
		"moment ahead": {becomes: (*process).release, step: time.Second / 4, min: window - time.Second/4, max: window},
		"years ahead":  {becomes: (*process).release, step: 50 * year},
	}, func(t *testing.T, dir string, test row) {
		holder, other := open(t, dir, 1), open(t, dir, 1)
		holder.takes(t, 1)
		time.Sleep(out)
		if wait := open(t, dir, 1).takes(t, 0); wait != window-out {
			t.Errorf("got a wait of %s while the call is out, want %s", wait, window-out)
		}
		test.becomes(holder)
		holder.step.Store(int64(test.step))
		other.step.Store(int64(test.step))
		if wait := holder.takes(t, 0); test.step != 0 && wait != window {
			t.Errorf("got a wait of %s for a place of its own, want %s", wait, window)
		}
		if got := other.waits(); got < test.min || got > test.max {
			t.Errorf("got the place after %s, want it after %s to %s", got, test.min, test.max)
		}
	})
}

// While other processes hold all places, a process tries again soon and at random, and less often
// the longer that lasts.
func TestHeldPlacesAreTriedAgain(t *testing.T) {
	t.Parallel()
	virtual(t, func(t *testing.T, dir string) {
		open(t, dir, 3).takes(t, 3)
		time.Sleep(window)
		p := open(t, dir, 3)
		if first, second := p.takes(t, 0), p.takes(t, 0); first > poll || second > poll || first == second {
			t.Errorf("got waits of %s and %s, want random ones of at most %s", first, second, poll)
		}
		time.Sleep(4 * time.Second)
		if wait := p.takes(t, 0); wait != time.Second/2 {
			t.Errorf("got a wait of %s after 4s, want half a second", wait)
		}
	})
}

// Each process keeps to its own limit, and all together to the largest one.
func TestLimitsDiffer(t *testing.T) {
	t.Parallel()
	type row struct{ places, want []int }
	forEach(t, map[string]row{
		"few, then many": {places: []int{2, 5}, want: []int{2, 3}},
		"many, then few": {places: []int{5, 2}, want: []int{5, 0}},
		"some of many":   {places: []int{3, 10, 10}, want: []int{3, 7, 0}},
		"at least one":   {places: []int{-1, 1}, want: []int{1, 0}},
	}, func(t *testing.T, dir string, test row) {
		for i, places := range test.places {
			open(t, dir, places).takes(t, test.want[i])
		}
	})
}

// The names and the content of the files are their format. To change it takes another version.
func TestFormatOfFilesStays(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "cache", "terraform-provider-cas")
	const hash = "e5ecf1567d722232621ed58573a5174224e9dae21d1c394d757e101cf0941aba"
	q := Open(dir, "cas.aliyuncs.com LTAI5tSecretive", 1, slog.New(slog.NewTextHandler(t.Output(), nil)))
	q.wall = func(time.Time) int64 { return 0x0102030405060708 }
	place, _ := q.Take()
	if place == nil {
		t.Fatal("got no place, want one")
	}
	defer place.file.Close()
	path := filepath.Join(dir, "quota-v2-"+hash+"-0")
	if data, err := os.ReadFile(path); string(data) != "\x01\x02\x03\x04\x05\x06\x07\x08" {
		t.Errorf("got %q, %v, want the time", data, err)
	}
	for path, want := range map[string]os.FileMode{filepath.Dir(dir): 0o700, dir: 0o700, path: 0o600} {
		if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != want {
			t.Errorf("got %v, %v, want it with permissions %v", info, err, want)
		}
	}
}

// A file system that hangs holds up no release, and each Take for two seconds.
func TestHangingFileSystemHoldsUpNoRelease(t *testing.T) {
	t.Parallel()
	virtual(t, func(t *testing.T, dir string) {
		p, other := open(t, dir, 3), open(t, dir, 3)
		p.hang()
		for range 3 {
			start := time.Now()
			p.takes(t, 1)
			p.release()
			if got := time.Since(start); got > 2*ticks*tick {
				t.Errorf("got a place, none and a release after %s, want that after %s", got, 2*ticks*tick)
			}
		}
		p.warned(t, "the file system doesn't respond")
		other.takes(t, 3)
		other.release()
		time.Sleep(window)
		p.goOn()
		synctest.Wait()
		other.takes(t, 2) // the process gives back a place that it got late
		other.release()
		time.Sleep(window)
		p.takes(t, 3)
		other.takes(t, 0)
	})
}

// What is noted late is noted before the process ends, unless the file system hangs.
func TestCloseWaitsForNotes(t *testing.T) {
	t.Parallel()
	forEach(t, map[string]time.Duration{"noted": 0, "slow": window / 2, "hangs": time.Hour},
		func(t *testing.T, dir string, late time.Duration) {
			p := open(t, dir, 1)
			p.takes(t, 1)
			p.wall = func(at time.Time) int64 { time.Sleep(late); return at.UnixNano() }
			start := time.Now()
			p.places[0].Release()
			p.Close()
			if got, want := time.Since(start), min(late, window); got < want || got > want+poll {
				t.Errorf("got it closed after %s, want it after %s", got, want)
			}
			time.Sleep(late + window)
		})
}

// If locks fail, a process makes one call at a time, until they work again.
func TestOnePlaceWithoutLocks(t *testing.T) {
	t.Parallel()
	failures := map[string]error{"ENOLCK": syscall.ENOLCK, "ESTALE": syscall.ESTALE, "EIO": syscall.EIO}
	forEach(t, failures, func(t *testing.T, dir string, failure error) {
		p, other := open(t, dir, 3), open(t, dir, 3)
		p.fails.Store(&failure)
		for range 3 {
			p.takes(t, 1)
			p.release()
			p.takes(t, 0)
			time.Sleep(window)
		}
		p.warned(t, failure.Error())
		p.fails.Store(nil)
		p.takes(t, 3)
		other.takes(t, 0)
	})
}

// If the time of a response can't be noted, the place stays locked until it is free.
func TestNoteThatFailsKeepsThePlace(t *testing.T) {
	t.Parallel()
	virtual(t, func(t *testing.T, dir string) {
		p, other := open(t, dir, 1), open(t, dir, 1)
		p.takes(t, 1)
		place := p.places[0]
		place.file.Close()
		var err error
		place.file, err = os.Open(p.file(0))
		must(t, err)
		must(t, tryLock(place.file))
		time.Sleep(window)
		p.release()
		if got := other.waits(); got < window || got > window*5/4 {
			t.Errorf("got the place after %s, want it after %s", got, window)
		}
	})
}
