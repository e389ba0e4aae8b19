package quota

import (
	"os"
	"strings"
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
			t.Fatal("got no place")
		}
		since(t, start, fileTimeout)
		p.warned(t, errHung.Error())

		start = time.Now()
		p.want(t, 0)
		since(t, start, 0)
		if !place.Held() {
			t.Error("the place doesn't hold")
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
		others  bool // some are there
		want    int
	}{
		"where none are":     {prepare: func(t *testing.T, p *process) { write(t, p.file.dir, "") }, others: false, want: 3},
		"where others were":  {prepare: func(t *testing.T, p *process) { remove(t, p.file.dir); write(t, p.file.dir, "") }, others: true, want: 1},
		"where the file is":  {prepare: func(t *testing.T, p *process) { write(t, p.file.path(), ""); p.fail(syscall.EIO) }, others: false, want: 1},
		"where both of them": {prepare: func(t *testing.T, p *process) { write(t, p.file.path(), ""); p.fail(syscall.EIO) }, others: true, want: 1},
	} {
		dir := t.TempDir() + "/cache"
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, other := open(t, dir, 3), open(t, dir, 3)
				if test.others {
					place := other.await(t.Context())
					p.await(t.Context()).Release()
					place.Release()
					synctest.Wait()
					time.Sleep(window + 1)
				}
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

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}

// A place for somebody who gave up while the keeper was at the file is free for others at once.
func TestAskerLeaves(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		p, other := open(t, dir, 2), open(t, dir, 2)
		p.Quota.mu.Lock()
		p.asks = []chan answer{make(chan answer, 1)}
		p.wall = func(now time.Time) int64 { // which the keeper reads after it gave a place, among others
			if len(p.own) > 0 {
				p.asks = nil
			}
			return p.clock(now)
		}
		p.wake()
		p.Quota.mu.Unlock()
		for p.keeps() {
			time.Sleep(time.Nanosecond)
		}
		other.want(t, 2)
	})
}

// The keeper ends when there is nothing left to do.
func TestKeeperEnds(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		p := open(t, dir, 2)
		for range 3 {
			for _, place := range p.want(t, 2) {
				place.Release()
			}
			synctest.Wait()
			p.Quota.mu.Lock()
			if p.keeping || len(p.asks) > 0 {
				t.Errorf("the keeper runs: %v, asks: %d; want neither", p.keeping, len(p.asks))
			}
			p.Quota.mu.Unlock()
			time.Sleep(window + 1)
		}
	})
}
