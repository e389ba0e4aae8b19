package quota

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"
)

const (
	// fileTimeout is how long the keeper may be at the file before the file system, or who has locked it, counts as hung. It
	// is counted in ticks: a process that was stopped itself misses one tick, and not all of them.
	fileTimeout = 2 * time.Second
	tick        = 100 * time.Millisecond
	// grace is how late a process may come for its place before the next one in the queue gets it.
	grace = window / 4
	// clockNoise is how far two clocks that are read one after the other may seem to move apart.
	clockNoise = 10*time.Millisecond + 2*clockTick
)

var errHung = errors.New("the file system, or the process that has locked the file, doesn't respond")

// answer is what [Quota.Take] returns.
type answer struct {
	place *Place
	again time.Time
}

// wakes counts what the keepers of the process have yet to do.
var wakes atomic.Int64

// ask waits for the keeper to answer, or for its timeout.
func (q *Quota) ask(ctx context.Context) answer {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.file == nil {
		return q.take(time.Now(), nil, q.places)
	}
	reply := make(chan answer, 1)
	q.asks = append(q.asks, reply)
	q.wake()
	for waited := time.Duration(0); !q.hung && waited < fileTimeout && ctx.Err() == nil; waited += tick {
		q.mu.Unlock()
		select {
		case <-ctx.Done():
		case <-time.After(tick):
		case a := <-reply:
			q.mu.Lock()
			return a
		}
		q.mu.Lock()
	}
	i := slices.Index(q.asks, reply)
	if i < 0 { // answered just now
		return <-reply
	}
	q.asks = slices.Delete(q.asks, i, i+1)
	if ctx.Err() != nil {
		return answer{again: time.Now().Add(window)}
	}
	q.hung = true
	return q.takeUncounted(errHung, false)
}

// takeUncounted is take where the file can't be used: one call at a time where there are signs of other processes. The caller
// holds mu.
func (q *Quota) takeUncounted(reason error, alone bool) answer {
	maximum := 1
	if alone {
		maximum = q.places
	}
	if !q.warned {
		q.warned = true
		q.logger.Warn("Calls of other processes can't be counted, and together with them this one may be throttled",
			"reason", reason.Error(), "calls_at_once", maximum)
	}
	return q.take(time.Now(), nil, maximum)
}

// wake has the keeper turn to the file again. The caller holds mu.
func (q *Quota) wake() {
	if q.file == nil {
		return
	}
	if !q.keeping {
		q.keeping = true
		go q.keep()
	}
	select {
	case q.bell <- struct{}{}:
		wakes.Add(1)
	default:
	}
}

// keep is the keeper: the one goroutine that touches the file, for all calls of the process. It ends when nobody asks,
// no call is out, and what was released is written or free.
func (q *Quota) keep() {
	var renew <-chan time.Time
	for keeping := true; keeping; {
		var woken int64
		select {
		case <-q.bell:
			woken = 1
		case <-renew:
		}
		err := q.exchange()
		wakes.Add(-woken)

		q.mu.Lock()
		q.hung = false
		q.forget(time.Now())
		renew = nil
		if err != nil && len(q.own) > 0 || slices.ContainsFunc(q.own, (*Place).out) {
			renew = time.After(renewal)
		}
		q.keeping = renew != nil || len(q.bell) > 0
		keeping = q.keeping
		q.mu.Unlock()
	}
}

// exchange answers those who ask by what other processes have in the file, writes what this one has, and renews its
// leases. Where it fails, it answers without the file.
func (q *Quota) exchange() error {
	answers := map[chan answer]answer{}
	err := q.file.change(func(entries []entry) []entry {
		q.mu.Lock()
		defer q.mu.Unlock()
		now := time.Now()
		others := q.others(entries, now)
		for _, reply := range q.asks {
			answers[reply] = q.take(now, others, q.places)
		}
		return append(others, q.entries(now)...)
	})
	alone := err != nil && !q.company && !q.file.exists()

	q.mu.Lock()
	defer q.mu.Unlock()
	for reply, a := range answers {
		if i := slices.Index(q.asks, reply); err == nil && i >= 0 {
			reply <- a
			q.asks = slices.Delete(q.asks, i, i+1)
		} else if i := slices.Index(q.own, a.place); i >= 0 { // no other process knows of it, or its asker has left
			q.own = slices.Delete(q.own, i, i+1)
			q.wake()
		}
	}
	if err != nil {
		for _, reply := range q.asks {
			reply <- q.takeUncounted(err, alone)
		}
		q.asks = nil
	}
	return err
}

// others returns what other processes have. A clock that was set ahead doesn't end their leases early.
func (q *Quota) others(entries []entry, now time.Time) []entry {
	wall := q.wall(now)
	step := wall - q.lastWall - int64(now.Sub(q.last))
	q.last, q.lastWall = now, wall
	if step < int64(clockNoise) {
		step = 0
	}
	others := running(entries, q.holder, wall, step)
	q.company = len(others) > 0
	return others
}

// entries renews the leases of this process, and returns what others have to know of it.
func (q *Quota) entries(now time.Time) []entry {
	wall := q.wall(now)
	var entries []entry
	add := func(since int64, left time.Duration) {
		entries = append(entries, entry{Holder: q.holder, Limit: q.places, Since: since, Until: wall + int64(left)})
	}
	for _, p := range q.own {
		if p.out() {
			p.renew(now)
		}
		add(0, p.until.Sub(now))
	}
	if left := q.due.Add(grace).Sub(now); q.queued && left > 0 {
		add(wall-int64(now.Sub(q.since)), left)
	}
	return entries
}
