package quota

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"
)

const (
	// fileTimeout is how long an exchange may take before the file system, or who has locked the file, counts as hung. It
	// is counted in ticks: a process that was stopped itself misses one tick, and not all of them.
	fileTimeout = 2 * time.Second
	tick        = 100 * time.Millisecond
	// grace is how late a process may come for its place before the next one in the queue gets it.
	grace = window / 4
	// clockNoise is how far two clocks that are read one after the other may seem to move apart.
	clockNoise = 10*time.Millisecond + 2*clockTick
)

var errHung = errors.New("the file system, or the process that has locked the file, doesn't respond")

// exchanges counts the exchanges of the process that haven't ended.
var exchanges atomic.Int64

// exchange is one change of the file: it reads what other processes have, and writes what this one has.
type exchange struct {
	takes []func(now time.Time, others []entry) // of those who wait for it
	ended chan struct{}
	err   error // how it ended
}

// join returns the next exchange. It begins once the one before has ended, and serves all who join it before it has locked the
// file. The caller holds mu.
func (q *Quota) join() *exchange {
	if q.next == nil {
		q.next = &exchange{ended: make(chan struct{})}
		exchanges.Add(1)
		go q.run(q.next)
	}
	return q.next
}

func (q *Quota) run(x *exchange) {
	defer exchanges.Add(-1)
	q.turn <- struct{}{}
	err := q.file.change(func(entries []entry) []entry {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.next = nil
		now := time.Now()
		for _, p := range q.own {
			p.renewed = now
		}
		others := q.others(entries, now)
		for _, take := range x.takes {
			take(now, others)
		}
		return append(others, q.entries(now)...)
	})
	alone := err != nil && !q.file.exists()

	q.mu.Lock()
	defer q.mu.Unlock()
	<-q.turn
	if q.next == x { // it didn't get as far as the lock
		q.next = nil
	}
	q.hung, q.alone = false, alone
	q.forget(time.Now())
	if len(q.own) > 0 {
		q.renewal.Reset(renewal)
	}
	x.err = err
	close(x.ended)
}

func (q *Quota) renew() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.join()
}

// wait returns how an exchange ended, [errHung] if it takes too long, or the error of ctx.
func (x *exchange) wait(ctx context.Context) error {
	for range fileTimeout / tick {
		select {
		case <-x.ended:
			return x.err
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(tick):
		}
	}
	return errHung
}

// takeUncounted is take if the file can't be used: one call at a time if there are signs of other processes. The caller
// holds mu.
func (q *Quota) takeUncounted(reason error) (*Place, time.Time) {
	maximum := 1
	if q.alone && !errors.Is(reason, errHung) {
		maximum = q.places
	}
	q.hung = errors.Is(reason, errHung) && len(q.turn) > 0
	q.warn.Do(func() {
		q.logger.Warn("Calls of other processes can't be counted, and together with them this one may be throttled",
			"reason", reason.Error(), "calls_at_once", maximum)
	})
	return q.take(time.Now(), nil, maximum)
}

// others returns what other processes have. A clock that was set ahead doesn't end their leases early.
func (q *Quota) others(entries []entry, now time.Time) []entry {
	wall := q.wall(now)
	step := wall - q.wall(q.last) - int64(now.Sub(q.last))
	if step < int64(clockNoise) {
		step = 0
	}
	q.last = now
	was := wall - step
	entries = slices.DeleteFunc(entries, func(e entry) bool { return e.Holder == q.holder || e.Until < was })
	for i := range entries {
		// Nobody writes more than a lease: the clock was set back since.
		entries[i].Until = min(entries[i].Until, was+int64(lease)) + step
	}
	return entries
}
