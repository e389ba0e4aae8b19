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
	// os.UserCacheDir fails may join to its empty result. Empty keeps the places in memory, for this process alone.
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
	wall   func(time.Time) int64
	file   *sharedFile   // nil where the places are kept in memory
	bell   chan struct{} // tells the keeper that there is something to do

	mu         sync.Mutex
	own        []*Place
	since, due time.Time // since when this process waits for a place, and when it asks again
	queued     bool      // this process waits for places of others, and not only for its own
	warned     bool

	asks    []chan answer // receive the answers to those who wait for the keeper
	keeping bool          // the keeper runs
	hung    bool          // the keeper has been at the file for too long

	// Only the keeper uses these.
	company  bool      // others were in the file when it was last read
	last     time.Time // when the clocks were last compared
	lastWall int64     // what the wall clock said then
}

// Place is the right to send one call.
type Place struct {
	quota     *Quota
	until     time.Time // when the lease ends, or once released when the place is free
	untilWall int64     // when the lease ends by the wall clock
	released  bool
}

// Open returns the quota that cfg describes. It touches no file: the first Take does.
func Open(cfg Config) *Quota {
	q := &Quota{
		holder: rand.Text()[:10],
		places: max(cfg.Places, 1),
		logger: cfg.Logger,
		wall:   time.Time.UnixNano,
		bell:   make(chan struct{}, 1),
		last:   time.Now(),
	}
	q.lastWall = q.wall(q.last)
	if cfg.Dir != "" {
		hash := sha256.Sum256([]byte(cfg.Name))
		q.file = &sharedFile{cfg.Dir, "quota-v1-" + hex.EncodeToString(hash[:16]), (*flock.Flock).Lock}
	}
	return q
}

// Take returns a place, or, when none is free, the time to ask again: about when this process can get one, and at most
// a second from now. Processes get places in the order in which they began to wait. One that asks late loses
// its place to the next, and comes first then.
//
// Take waits for the file until ctx ends, and no longer than two seconds. Where the file can't be used, it gives one
// place at a time if other processes may be there, and otherwise counts for this process alone.
func (q *Quota) Take(ctx context.Context) (*Place, time.Time) {
	a := q.ask(ctx)
	return a.place, a.again
}

// Held reports whether the place still holds. Ask it right before the call leaves, and take another place if not: others
// may have this one after the process was stopped or the machine suspended.
func (p *Place) Held() bool {
	p.quota.mu.Lock()
	defer p.quota.mu.Unlock()
	now := time.Now()
	return p.until.Sub(now) >= margin && time.Duration(p.untilWall-p.quota.wall(now)) >= margin
}

// Release gives the place back, to be free a second from now: call it when the answer has arrived or the call has
// failed. It doesn't wait for the file. Further calls do nothing.
func (p *Place) Release() {
	q := p.quota
	q.mu.Lock()
	defer q.mu.Unlock()
	if p.released {
		return
	}
	p.released = true
	p.until = time.Now().Add(window)
	q.wake()
}

// Flush waits until what this process gave back is written, or ctx ends. A process that ends without it may keep
// others waiting until its leases run out.
func Flush(ctx context.Context) {
	for wakes.Load() > 0 && ctx.Err() == nil {
		<-time.After(time.Millisecond)
	}
}

// take returns a place or when to ask again, given what others have in the file. At most maximum calls of this process are
// out at once. The caller holds mu.
func (q *Quota) take(now time.Time, others []entry, maximum int) answer {
	q.forget(now)
	if now.Sub(q.due) > lease { // nobody waits, or whoever waited has given up
		q.since = now
	}
	wall := q.wall(now)
	since := wall - int64(now.Sub(q.since))

	own := make([]time.Duration, len(q.own))
	for i, p := range q.own {
		own[i] = window
		if p.released {
			own[i] = p.until.Sub(now)
		}
	}
	all := slices.Clone(own)
	var ahead []time.Duration // how long those may still wait who have waited for longer
	limit := q.places
	for _, e := range others {
		limit = max(limit, e.Limit)
		switch {
		case e.Since == 0:
			all = append(all, time.Duration(e.Until-wall))
		case e.Since < since:
			ahead = append(ahead, time.Duration(e.Until-wall))
		}
	}
	// A place is left for this process once those that are taken and those due to who is ahead are fewer than limit: wait
	// until either has shrunk enough.
	wait := untilFewer(own, maximum)
	q.queued = wait == 0
	wait = max(wait, min(untilFewer(all, limit-len(ahead)), untilFewer(ahead, limit-len(all))))
	if wait > 0 {
		q.due = now.Add(wait)
		return answer{again: q.due}
	}
	q.due = time.Time{}
	p := &Place{quota: q}
	p.renew(now)
	q.own = append(q.own, p)
	return answer{place: p}
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

func (p *Place) out() bool { return !p.released }

func (p *Place) renew(now time.Time) {
	p.until, p.untilWall = now.Add(lease), p.quota.wall(now)+int64(lease)
}

// forget drops the places that are free again.
func (q *Quota) forget(now time.Time) {
	q.own = slices.DeleteFunc(q.own, func(p *Place) bool { return p.released && p.until.Before(now) })
}
