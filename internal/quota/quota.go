// Package quota bounds how many calls reach a service in any one second, over all processes of one user on one machine.
//
// A rate limiter spaces what leaves, and the network squeezes it together again. A quota counts places instead: a
// call holds one from before it is sent until a second after its answer arrived. The service received the call before
// it answered, and receives the next call of that place after it was sent; so two calls of one place are always more
// than a second apart where they are counted, whatever the network does, and n places are never more than n calls in
// any second. Only what the network delivers after its sender gave up escapes the count.
//
// Processes meet in a small file that lists their leases. Each process trusts its memory for its own, which no
// file and no step of the clock can shorten, and the file for everybody else's. Where there is no usable file it
// counts alone, and says so once.
package quota

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/gofrs/flock"
)

const (
	// window is the span in which the service counts.
	window = time.Second
	// maxHold bounds how long a place can be lost to a killed holder.
	maxHold = time.Hour
	// lockRetry is some fifty times as long as the file stays locked.
	lockRetry = 2 * time.Millisecond
	// lockPatience is how long the lock is tried for before its holder counts as stopped.
	lockPatience = time.Second
	// releaseTries bounds a release's wait for the lock to some tens of milliseconds.
	releaseTries = 25
)

// Config describes a quota.
type Config struct {
	// Dir is the folder that holds the shared file, made (0700) when needed: one of the user's own, such as in
	// [os.UserCacheDir]. A relative path counts as a folder that can't be used, with the warning, so that a caller
	// for whom os.UserCacheDir fails may join to its empty result. Empty keeps the places in memory, for this process alone.
	Dir string
	// Name says what is counted: processes share the places of one name. The file is named by its hash.
	Name string
	// Places is how many calls may arrive in any second, at least 1. Processes may differ: each counts
	// all calls against its own.
	Places int
	// Logger gets one warning when the places can't be shared. Nil discards it.
	Logger *slog.Logger
}

// Quota hands out places. It is safe for concurrent use.
type Quota struct {
	holder string
	places int
	file   *sharedFile
	logger *slog.Logger
	wall   func(time.Time) int64

	mu     sync.Mutex
	own    map[*Place]struct{}
	warned bool
	// The lock was refused from busySince to busyLast, and never had in between.
	busySince, busyLast time.Time
}

// Place is the right to send one call.
type Place struct {
	quota        *Quota
	taken, until time.Time
	released     bool
}

// Open returns the quota that cfg describes. It touches no file: the first Take does.
func Open(cfg Config) *Quota {
	q := &Quota{
		holder: rand.Text(),
		places: max(cfg.Places, 1),
		logger: cfg.Logger,
		wall:   time.Time.UnixNano,
		own:    map[*Place]struct{}{},
	}
	if q.logger == nil {
		q.logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Dir != "" {
		hash := sha256.Sum256([]byte(cfg.Name))
		q.file = &sharedFile{cfg.Dir, "quota-" + hex.EncodeToString(hash[:16]), (*flock.Flock).TryLock}
	}
	return q
}

// Take returns a place, or, when none is free, the time at which to ask again. It never waits.
//
// The caller keeps the place for at most hold, the time limit of its call (an hour at most): the place of a killed
// holder is free a second after that. The time to ask again is at most a second away, and nothing is lost by waiting
// for it: a place that isn't given back yet can't be free sooner.
func (q *Quota) Take(context.Context) (*Place, time.Time) { return q.takeFor(maxHold) }

// Held reports whether the place is still the caller's.
func (p *Place) Held() bool { return time.Now().Before(p.until.Add(-window)) }

func (q *Quota) takeFor(hold time.Duration) (*Place, time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()

	var place *Place
	var again time.Time
	err := q.exchange(func(now time.Time, others []lease) {
		place, again = q.take(now, others, hold)
	})
	if q.crowded(err) {
		return nil, time.Now().Add(lockRetry)
	}
	q.warn(err)
	if place == nil && again.IsZero() {
		return q.take(time.Now(), nil, hold)
	}
	return place, again
}

// Release gives the place back, free again a second from now: call it when the answer has arrived or the call
// has failed. It may wait some tens of milliseconds for other processes at the shared file. Further calls do nothing.
func (p *Place) Release() {
	q := p.quota
	q.mu.Lock()
	defer q.mu.Unlock()
	if p.released {
		return
	}
	p.released = true
	p.until = time.Now().Add(window)
	q.own[p] = struct{}{}

	// What stays unwritten here keeps others waiting until this process' next Take, or the end of the hold.
	for range releaseTries {
		err := q.exchange(func(time.Time, []lease) {})
		if !q.crowded(err) {
			q.warn(err)
			return
		}
		q.mu.Unlock()
		<-time.After(lockRetry)
		q.mu.Lock()
	}
}

// crowded tells a crowd at the file, which passes, from a process that was stopped while it held the lock.
func (q *Quota) crowded(err error) bool {
	return errors.Is(err, errBusy) && q.busyLast.Sub(q.busySince) < lockPatience
}

func (q *Quota) noteBusy(busy bool) {
	if !busy {
		q.busySince, q.busyLast = time.Time{}, time.Time{}
		return
	}
	now := time.Now()
	if forgotten := now.Sub(q.busyLast) > lockPatience; forgotten && q.crowded(errBusy) {
		q.busySince = now
	}
	q.busyLast = now
}

// exchange calls change with what the other processes hold, then tells them what this one holds. When it can't learn
// the former it fails without calling change; when it can't do the latter it fails afterwards.
func (q *Quota) exchange(change func(now time.Time, others []lease)) error {
	if q.file == nil {
		change(time.Now(), nil)
		return nil
	}
	locked, err := q.file.lock()
	q.noteBusy(errors.Is(err, errBusy))
	if err != nil {
		return err
	}
	defer locked.unlock()

	now := time.Now()
	others, err := locked.read(q.wall(now), q.holder)
	if err != nil {
		return err
	}
	change(now, others)
	return locked.write(append(others, q.leases(now)...))
}

func (q *Quota) take(now time.Time, others []lease, hold time.Duration) (*Place, time.Time) {
	maps.DeleteFunc(q.own, func(p *Place, _ struct{}) bool { return p.until.Before(now) })
	if len(q.own)+len(others) < q.places {
		p := &Place{quota: q, taken: now, until: now.Add(min(max(hold, 0), maxHold) + window)}
		q.own[p] = struct{}{}
		return p, time.Time{}
	}
	wait := window
	for p := range q.own {
		wait = min(wait, p.until.Sub(now)+1)
	}
	for _, l := range others {
		wait = min(wait, time.Duration(l.Until-q.wall(now))+1)
	}
	return nil, now.Add(wait)
}

// leases puts the own places, which are kept by the monotonic clock, into the wall clock's terms.
func (q *Quota) leases(now time.Time) []lease {
	var leases []lease
	wall := q.wall(now)
	for p := range q.own {
		leases = append(leases, lease{
			Holder: q.holder,
			Taken:  wall + int64(p.taken.Sub(now)),
			Until:  wall + int64(p.until.Sub(now)),
		})
	}
	return leases
}

func (q *Quota) warn(err error) {
	if err != nil && !q.warned {
		q.warned = true
		q.logger.Warn("Calls of other processes can't be counted: together with them, "+
			"this one may exceed the requests per second and be throttled", "reason", err.Error())
	}
}
