package cas

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"
)

const itsTurn = "its turn"

// share lets reads that wait share the next call, but not a call in flight, whose result could be
// older than the read. A call that may be hanging doesn't keep the next one from leaving, and the
// response to that one also serves the reads of calls that left earlier, and ends those calls.
type share struct {
	attempt func(context.Context, *batch) (*AssetCount, error)

	mu    sync.Mutex
	open  *batch        // reads may join it until it has ended; nil once its call leaves
	out   []*batch      // those whose calls are in flight, in the order in which they left
	usual time.Duration // a moving average of what a response takes
}

// batch is the reads that share a call.
type batch struct {
	share  *share
	wake   chan struct{} // ends a pause early
	cancel context.CancelFunc

	done  <-chan struct{} // closed by cancel when count and err are there
	count *AssetCount
	err   error

	// What follows is guarded by share.mu.
	readers  map[*reader]struct{}
	waiting  string    // what the reads wait for
	departed time.Time // zero until its request leaves
	ended    bool
}

// reader is one GetAssetCount that waits.
type reader struct {
	deadline time.Time
	latest   time.Time               // when to go on at the latest, so that there is time for a response
	dismiss  context.CancelCauseFunc // ends the read with a [*WaitError]
}

// read waits for the response to the next call. The read may have tried before.
func (s *share) read(ctx context.Context, tried bool) (*AssetCount, error) {
	if err := ctx.Err(); err != nil {
		return nil, &WaitError{For: itsTurn, Cause: err}
	}
	ctx, dismiss := context.WithCancelCause(ctx)
	defer dismiss(nil)
	r := &reader{dismiss: dismiss}
	b := s.join(ctx, r, tried)
	select {
	case <-b.done:
		return b.count, b.err
	case <-ctx.Done():
		return b.remove(r, context.Cause(ctx))
	}
}

func (s *share) join(ctx context.Context, r *reader, tried bool) *batch {
	s.mu.Lock()
	defer s.mu.Unlock()
	never := time.Now().Add(24 * time.Hour) // which is longer than any wait
	if r.deadline, _ = ctx.Deadline(); r.deadline.IsZero() {
		r.deadline = never
	}
	r.latest = r.deadline.Add(-s.usual - time.Second/2)
	if tried && !time.Now().Before(r.latest) {
		r.latest = never // it has had an attempt, and others share the call
	}
	b := s.open
	if b == nil || b.ended {
		b = &batch{share: s, wake: make(chan struct{}, 1), readers: map[*reader]struct{}{}, waiting: itsTurn}
		// The call is for all reads: it keeps the first one's values, but not its cancellation.
		ctx, b.cancel = context.WithCancel(context.WithoutCancel(ctx))
		b.done = ctx.Done()
		s.open = b
		go func() { b.end(s.attempt(ctx, b)) }()
	}
	b.readers[r] = struct{}{}
	b.interrupt() // the reader may have less time than the others
	return b
}

// end hands out what a call ended with, a result also to the reads whose calls left before it.
func (b *batch) end(count *AssetCount, err error) {
	s := b.share
	s.mu.Lock()
	defer s.mu.Unlock()
	failure, _ := errors.AsType[*Error](err)
	if err == nil || failure != nil && failure.Status != 0 {
		s.usual = (s.usual + min(time.Since(b.departed), s.hang())) / 2
	}
	b.finish(count, err)
	for _, other := range s.out {
		if err == nil && other.departed.Before(b.departed) {
			other.finish(count, nil)
		}
	}
	s.out = slices.DeleteFunc(s.out, func(b *batch) bool { return b.ended })
	if s.open != nil {
		s.open.interrupt()
	}
}

// hang returns how long a call may be out before it counts as hanging. The caller holds s.mu.
func (s *share) hang() time.Duration { return max(time.Second, 4*s.usual) }

// finish ends b, unless the response to a later call was faster. The caller holds share.mu.
func (b *batch) finish(count *AssetCount, err error) {
	if b.ended {
		return
	}
	b.ended, b.count, b.err = true, count, err
	b.cancel()
}

// previous returns the wait for the response to the last call, or until that may be hanging.
func (s *share) previous() (w wait) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.out); n > 0 {
		w = wait{at: s.out[n-1].departed.Add(s.hang()), why: "the response to the call before", early: atLatest}
	}
	return w
}

// atLatest lets reads with little time go on at the last moment.
func atLatest(latest time.Time) time.Time { return latest }

// pause notes what the reads wait for, and waits for it, or until it may have changed. It reports
// whether there was something to wait for. Reads that have too little time for a wait end it early,
// or are dismissed if they can't.
func (b *batch) pause(ctx context.Context, w wait) bool {
	b.share.mu.Lock()
	b.waiting = cmp.Or(w.why, b.waiting)
	latest := w.at
	for r := range b.readers {
		if w.early == nil && !r.deadline.After(w.at) {
			r.dismiss(&WaitError{For: w.why, Needs: time.Until(w.at), Cause: context.DeadlineExceeded})
		}
		if r.latest.Before(latest) {
			latest = r.latest
		}
	}
	b.share.mu.Unlock()
	if w.early != nil && latest.Before(w.at) {
		w.at = w.early(latest)
	}
	left := time.Until(w.at)
	if left <= 0 {
		return false
	}
	select {
	case <-time.After(left):
	case <-b.wake:
	case <-ctx.Done():
	}
	return true
}

// interrupt ends a pause of the batch, or its next one.
func (b *batch) interrupt() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// depart closes the batch to further reads because its call leaves, unless no read waits any more.
func (b *batch) depart(ctx context.Context, what string) error {
	s := b.share
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	s.open, s.out = nil, append(s.out, b)
	b.departed, b.waiting = time.Now(), what
	return nil
}

// remove takes away a reader, and ends the call after the last one, unless a response has come.
func (b *batch) remove(r *reader, cause error) (*AssetCount, error) {
	b.share.mu.Lock()
	defer b.share.mu.Unlock()
	if b.ended {
		return b.count, b.err
	}
	delete(b.readers, r)
	if len(b.readers) == 0 {
		b.finish(nil, cause)
	}
	if dismissed, ok := errors.AsType[*WaitError](cause); ok {
		return nil, dismissed
	}
	err := &WaitError{For: b.waiting, Cause: cause}
	if !b.departed.IsZero() {
		err.Attempts = 1
	}
	return nil, err
}

// logLongWaits logs a long wait after ten seconds, and then every thirty.
func (b *batch) logLongWaits(ctx context.Context, logger *slog.Logger) {
	opened := time.Now()
	for pause := 10 * time.Second; ; pause = 30 * time.Second {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		b.share.mu.Lock()
		what, readers := b.waiting, len(b.readers)
		b.share.mu.Unlock()
		logger.InfoContext(ctx, "Still waiting for "+what,
			"waited", time.Since(opened).Round(time.Second).String(), "reads", readers)
	}
}
