package quota

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// warned checks that a process warned once, and why.
func (p *process) warned(t *testing.T, reason string) {
	t.Helper()
	got := p.log.String()
	if strings.Count(got, "level=WARN") != 1 {
		t.Errorf("got %q, want one warning", got)
	}
	if !strings.Contains(got, reason) {
		t.Errorf("got %q, want the reason %q", got, reason)
	}
}

// A file system that hangs, or a process that was stopped while it had the lock, holds up nobody for long. Until it goes
// on, each process makes one call at a time.
func TestHung(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		p, other := open(t, dir, 3), open(t, dir, 3)
		p.stop()
		start := time.Now()
		place, _ := p.Take(t.Context())
		if place == nil {
			t.Fatal("got no place, want one")
		}
		since(t, start, fileTimeout)
		p.warned(t, errHung.Error())

		start = time.Now()
		p.want(t, 0)
		since(t, start, 0)
		if !place.Held() {
			t.Error("got a place that doesn't hold, want one that does")
		}
		time.Sleep(5 * time.Second)
		start = time.Now()
		place.Release()
		since(t, start, 0)
		time.Sleep(window + 1)
		p.want(t, 1)
		since(t, start, window+1)

		other.want(t, 3) // it can't know
		other.releaseAll()
		p.resume()
		synctest.Wait()
		p.want(t, 0)
		time.Sleep(window + 1)
		p.want(t, 2)
		other.want(t, 0) // what was taken without the file is shared later
		p.warned(t, errHung.Error())
	})
}

// Once the file can be used again, it is.
func TestHungEnds(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		p, other := open(t, dir, 1), open(t, dir, 1)
		p.stop()
		p.await(t.Context()).Release()
		time.Sleep(window + 1)
		other.want(t, 1)
		p.resume()
		synctest.Wait()
		p.want(t, 0)

		p.Quota.mu.Lock()
		defer p.Quota.mu.Unlock()
		p.takeUncounted(errHung) // by one who gave up just when the exchange ended
		if p.hung {
			t.Error("got the file taken for hung though no exchange uses it, want it used again")
		}
	})
}

// A file system that hangs says nothing about others, whatever it said before.
func TestHungAfterFailure(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() + "/cache"
	synctest.Test(t, func(t *testing.T) {
		p := open(t, dir, 3)
		write(t, dir, "")
		for _, place := range p.want(t, 3) {
			place.Release()
		}
		time.Sleep(window + 1)
		synctest.Wait()
		remove(t, dir)
		p.stop()
		p.want(t, 1)
	})
}

// A release that the file couldn't take at first is written as soon as it can.
func TestReleaseWhileHung(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		p, other := open(t, dir, 2), open(t, dir, 2)
		places := p.want(t, 2)
		synctest.Wait()
		p.stop()
		for _, place := range places {
			place.Release()
		}
		time.Sleep(window + 1)
		other.want(t, 0)
		p.resume()
		synctest.Wait()
		other.want(t, 2)
	})
}

// Whoever can't use the file makes one call at a time where others may be there, until it can again.
func TestFails(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		prepare func(*testing.T, *process)
		want    int
	}{
		"where none are":    {prepare: func(t *testing.T, p *process) { write(t, p.file.dir, "") }, want: 3},
		"where the file is": {prepare: func(t *testing.T, p *process) { write(t, p.file.path(), ""); p.fail(syscall.EIO) }, want: 1},
	} {
		dir := t.TempDir() + "/cache"
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, other := open(t, dir, 3), open(t, dir, 3)
				test.prepare(t, p)
				p.want(t, test.want)
				p.warned(t, "")
				p.want(t, 0)
				p.releaseAll()
				time.Sleep(window + 1)
				p.want(t, test.want)
				p.releaseAll()
				time.Sleep(window + 1)

				p.fail(nil)
				remove(t, dir)
				p.want(t, 3)
				other.want(t, 0)
				p.warned(t, "")
			})
		})
	}
}

// Once the file works again, others see what was taken without it, though nobody asks and the call is still out.
func TestFailureEnds(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		p, other := open(t, dir, 3), open(t, dir, 3)
		p.fail(syscall.EIO)
		p.await(t.Context())
		p.fail(nil)
		for range 10 {
			time.Sleep(renewal + 1)
			synctest.Wait()
			for _, place := range other.want(t, 2) {
				place.Release()
			}
		}
	})
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}

// leaving is a context that ends when end is closed, and closes noticed when somebody has noticed that.
type leaving struct {
	context.Context

	end     chan struct{}
	noticed chan struct{}
	once    sync.Once
}

func (l *leaving) Done() <-chan struct{} { return l.end }

func (l *leaving) Err() error {
	l.once.Do(func() { close(l.noticed) })
	return context.Canceled
}

// A place for somebody who gave up during the exchange is free for others at once.
func TestAskerLeaves(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		p, other := open(t, dir, 2), open(t, dir, 2)
		ctx := &leaving{Context: t.Context(), end: make(chan struct{}), noticed: make(chan struct{})}
		leave := sync.OnceFunc(func() {
			close(ctx.end)
			<-ctx.noticed
		})
		p.wall = func(now time.Time) int64 { // which is read after the place was taken, among others
			if len(p.own) > 0 {
				leave()
			}
			return p.clock(now)
		}
		if place, _ := p.Take(ctx); place != nil {
			t.Error("got a place, want none")
		}
		synctest.Wait()
		other.want(t, 2)
	})
}

// No exchange is made when there is nothing left to do.
func TestExchangesEnd(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		p := open(t, dir, 2)
		for range 3 {
			for _, place := range p.want(t, 2) {
				place.Release()
			}
			time.Sleep(2*renewal + 1)
			if p.renewal.Stop() {
				t.Error("got a renewal to come though no call is out, want none")
			}
			if p.exchanges() {
				t.Error("got another exchange though no call is out, want none")
			}
		}
	})
}

// Whatever the file holds and the clock does, nobody waits for longer than a lease.
func FuzzOthers(f *testing.F) {
	const wall = int64(1_700_000_000_000_000_000)
	f.Fuzz(func(t *testing.T, data []byte, step int64) {
		var entries []entry
		if json.Unmarshal(data, &entries) != nil {
			return
		}
		now := time.Now()
		q := &Quota{holder: "reader", last: now.Add(-1), wall: func(t time.Time) int64 {
			if t.Before(now) {
				return wall - 1 - step%int64(100*365*24*time.Hour)
			}
			return wall
		}}
		for _, e := range q.others(entries, now) {
			if e.Holder == "reader" {
				t.Errorf("got %+v, want an entry of another process", e)
			}
			if latest := wall + int64(lease); e.Until < wall || e.Until > latest {
				t.Errorf("got %+v, want an entry that ends between %d and %d", e, wall, latest)
			}
		}
	})
}
