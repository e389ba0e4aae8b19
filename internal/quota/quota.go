// Package quota bounds how many calls reach a service in any one second, over all processes of one user on one machine.
//
// A rate limiter spaces what leaves, and the network squeezes it together again. A quota counts places instead: a
// call holds one from before it is sent until a second after its answer arrived. The service received the call before
// it answered, and receives the next call of that place after it was sent; so two calls of one place are always more
// than a second apart where they are counted, whatever the network does, and n places are never more than n calls in
// any second. Only what the network delivers after its sender gave up, was killed or stopped escapes the count.
//
// Processes meet in a small file that lists their leases and who waits for one. Each process trusts its memory for its
// own calls, which no file and no step of the clock can shorten, and the file for everybody else's. A lease lasts a few
// seconds, and its holder renews it while its call is out, so that the places of a dead process are soon free.
package quota

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/gofrs/flock"
)

const (
	// window is the span in which the service counts, and the longest that a process is told to wait at a time.
	window = time.Second + clockTick
	// renewal is how often a lease is renewed while its call is out.
	renewal = window
	// lease is how long a place is taken, as other processes see it, if it is neither renewed nor given back.
	lease = 4 * window
	// margin is what a lease must have left when its call leaves: the window, and time for the way to the service.
	margin = 2 * window
)

// Config describes a quota.
type Config struct {
	// Dir is the directory that holds the shared file, made (0700) when needed: one of the user's own, such as in
	// [os.UserCacheDir]. A relative path counts as a directory that can't be used, so that a caller for whom
	// os.UserCacheDir fails may join to its empty result.
	Dir string
	// Name identifies what is counted: processes share the places of one name. The file is named by its hash.
	Name string
	// Places is how many calls of this process may arrive in any second, at least 1. Processes may differ: all
	// their calls together keep to the largest number.
	Places int
	// Logger gets one warning when the places can't be shared.
	Logger *slog.Logger
}

// Quota hands out places. It is safe for concurrent use.
type Quota struct {
	holder string
	places int
	logger *slog.Logger
	wall   func(time.Time) int64 // time.Time.UnixNano, except in tests
	file   *sharedFile
	turn   chan struct{} // is full while an exchange uses the file

	mu         sync.Mutex
	own        []*Place
	since, due time.Time   // since when this process waits for a place of others, and when it asks again
	next       *exchange   // can still be joined
	renewal    *time.Timer // begins an exchange that renews the leases
	last       time.Time   // when the clocks were last compared
	hung       bool        // an exchange has been at the file for too long
	alone      bool        // the file can't be used, and nothing shows that others use it
	warn       sync.Once
}

// Place is the right to send one call.
type Place struct {
	quota    *Quota
	renewed  time.Time
	released time.Time // zero while the call is out
}

// Open returns the quota that cfg describes. It touches no file: the first Take does.
func Open(cfg Config) *Quota {
	hash := sha256.Sum256([]byte(cfg.Name))
	q := &Quota{
		holder: rand.Text()[:10],
		places: max(cfg.Places, 1),
		logger: cfg.Logger,
		wall:   time.Time.UnixNano,
		file:   &sharedFile{cfg.Dir, "quota-v1-" + hex.EncodeToString(hash[:16]), (*flock.Flock).Lock},
		turn:   make(chan struct{}, 1),
		last:   time.Now(),
	}
	q.renewal = time.AfterFunc(renewal, q.renew)
	q.renewal.Stop()
	return q
}

// Take returns a place, or, when none is free, the time to ask again: about when this process can get one, and at most
// a second from now. Processes get places in the order in which they began to wait. One that asks late loses
// its turn to the next, and comes first then.
//
// Take waits for the file until ctx ends, and no longer than two seconds. If the file can't be used, it gives one
// place at a time if other processes may be there, and otherwise counts for this process alone.
func (q *Quota) Take(ctx context.Context) (place *Place, again time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.hung {
		return q.takeUncounted(errHung)
	}
	gone, x := false, q.join()
	x.takes = append(x.takes, func(now time.Time, others []entry) {
		if !gone {
			place, again = q.take(now, others, q.places)
		}
	})
	q.mu.Unlock()
	err := x.wait(ctx)
	q.mu.Lock()
	gone = true
	if err == nil {
		return place, again
	}
	// This place may not be in the file, so other processes don't know of it.
	q.own = slices.DeleteFunc(q.own, func(p *Place) bool { return p == place })
	if ctx.Err() != nil {
		q.join()
		return nil, time.Now().Add(window)
	}
	return q.takeUncounted(err)
}

// Held reports whether the place still holds. Ask it right before the call leaves, and take another place if not: others
// may have this one after the process was stopped or the machine suspended.
func (p *Place) Held() bool {
	p.quota.mu.Lock()
	defer p.quota.mu.Unlock()
	now, wall := time.Now(), p.quota.wall
	age := max(now.Sub(p.renewed), time.Duration(wall(now)-wall(p.renewed)))
	return p.released.IsZero() && age <= lease-margin
}

// Release gives the place back, to be free a second from now: call it when the answer has arrived or the call has
// failed. It doesn't wait for the file. Further calls do nothing.
func (p *Place) Release() {
	p.quota.mu.Lock()
	defer p.quota.mu.Unlock()
	if p.released.IsZero() {
		p.released = time.Now()
		p.quota.join()
	}
}

// Flush waits until what this process gave back is written, or ctx ends. A process that ends without it may keep
// others waiting until its leases run out.
func Flush(ctx context.Context) {
	for exchanges.Load() > 0 && ctx.Err() == nil {
		<-time.After(time.Millisecond)
	}
}

// take returns a place or when to ask again, given what others have in the file. At most maximum calls of this process are
// out at once. The caller holds mu.
func (q *Quota) take(now time.Time, others []entry, maximum int) (*Place, time.Time) {
	q.forget(now)
	if now.Sub(q.due) > lease { // nobody waits, or whoever waited has given up
		q.since = now
	}
	wall := q.wall(now)
	since := wall - int64(now.Sub(q.since))
	// How long places are taken, of this process and of all, and how long those may still wait who have waited for longer.
	var own, all, ahead []time.Duration
	limit := q.places
	for _, e := range slices.Concat(others, q.entries(now)) {
		limit = max(limit, e.Limit)
		left := time.Duration(e.Until - wall)
		switch {
		case e.Since == 0:
			all = append(all, left)
			if e.Holder == q.holder {
				own = append(own, left)
			}
		case e.Since < since:
			ahead = append(ahead, left)
		}
	}
	if wait := untilFewer(own, maximum); wait > 0 {
		return nil, now.Add(wait)
	}
	// A place is left for this process once those that are taken and those due to who is ahead are fewer than limit: wait
	// until either has shrunk enough.
	if wait := min(untilFewer(all, limit-len(ahead)), untilFewer(ahead, limit-len(all))); wait > 0 {
		q.due = now.Add(wait)
		return nil, q.due
	}
	q.due = time.Time{}
	p := &Place{quota: q, renewed: now}
	q.own = append(q.own, p)
	q.renewal.Reset(renewal) // also if no exchange begins it
	return p, time.Time{}
}

// untilFewer returns how long to wait until fewer than n are left, given how long each stays.
func untilFewer(stays []time.Duration, n int) time.Duration {
	slices.Sort(stays)
	switch i := len(stays) - n; {
	case i < 0:
		return 0
	case i < len(stays):
		return min(stays[i], window) + 1
	default:
		return window
	}
}

// entries returns what others have to know of this process.
func (q *Quota) entries(now time.Time) []entry {
	wall := q.wall(now)
	var entries []entry
	for _, p := range q.own {
		left := lease
		if !p.released.IsZero() {
			left = p.released.Add(window).Sub(now)
		}
		entries = append(entries, entry{Holder: q.holder, Limit: q.places, Until: wall + int64(left)})
	}
	if left := q.due.Add(grace).Sub(now); left > 0 {
		since := wall - int64(now.Sub(q.since))
		entries = append(entries, entry{Holder: q.holder, Limit: q.places, Since: since, Until: wall + int64(left)})
	}
	return entries
}

// forget drops the places that are free again.
func (q *Quota) forget(now time.Time) {
	q.own = slices.DeleteFunc(q.own, func(p *Place) bool { return !p.released.IsZero() && now.Sub(p.released) > window })
}
