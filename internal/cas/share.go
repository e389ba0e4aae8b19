package cas

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"
)

const itsTurn = "its turn"

// farOff stands for the deadline of a reader that has none.
const farOff = 24 * time.Hour

// share lets readers that wait share the next call, as a database's group commit lets transactions share a write.
//
// One call is in flight, and whoever arrives meanwhile gets the answer of the next one. Joining the call in flight
// instead (golang.org/x/sync/singleflight) would give a reader an answer that may be older than its own question.
//
// A call that may be hanging doesn't keep the next one from leaving, and the answer of a call is as good for those who
// asked before it: it ends the calls that left earlier and are still out.
type share struct {
	attempt func(context.Context, *call) (*AssetCount, error)
	logger  *slog.Logger

	mu    sync.Mutex
	open  *call         // readers may join it until it has ended; nil once its request leaves
	out   []*call       // in flight, in the order in which they left
	usual time.Duration // a moving average of what an answer takes
}

// call is one request and the readers who share it.
type call struct {
	share  *share
	wake   chan struct{} // ends a pause early
	cancel context.CancelFunc

	done  <-chan struct{} // closed by cancel when count and err are there
	count *AssetCount
	err   error

	// What follows is guarded by share.mu.
	readers  map[*reader]struct{}
	wait     slot      // what the readers wait for
	departed time.Time // zero until its request leaves
	ended    bool
}

// reader is one GetAssetCount that waits.
type reader struct {
	deadline time.Time
	latest   time.Time               // when a flexible wait ends at the latest, so that there is time for an answer
	dismiss  context.CancelCauseFunc // ends the read with a [*WaitError]
}

// read waits for the answer of the next call. The reader may have tried before.
func (s *share) read(ctx context.Context, tried bool) (*AssetCount, error) {
	if err := ctx.Err(); err != nil {
		return nil, &WaitError{For: itsTurn, Cause: err}
	}
	ctx, dismiss := context.WithCancelCause(ctx)
	defer dismiss(nil)
	r := &reader{dismiss: dismiss}
	c := s.join(ctx, r, tried)
	select {
	case <-c.done:
		return c.count, c.err
	case <-ctx.Done():
		return c.remove(r, context.Cause(ctx))
	}
}

func (s *share) join(ctx context.Context, r *reader, tried bool) *call {
	s.mu.Lock()
	defer s.mu.Unlock()
	never := time.Now().Add(farOff)
	if r.deadline, _ = ctx.Deadline(); r.deadline.IsZero() {
		r.deadline = never
	}
	r.latest = r.deadline.Add(-s.usual - time.Second/2)
	if tried && !time.Now().Before(r.latest) {
		r.latest = never // it has had an attempt, and others share the call
	}
	c := s.open
	if c == nil || c.ended {
		c = &call{share: s, wake: make(chan struct{}, 1), readers: map[*reader]struct{}{}, wait: slot{why: itsTurn}}
		// The call belongs to all its readers: it keeps the first one's values, for the log, but not its cancellation.
		ctx, c.cancel = context.WithCancel(context.WithoutCancel(ctx))
		c.done = ctx.Done()
		s.open = c
		go c.logLongWaits(ctx)
		go func() {
			count, err := s.attempt(ctx, c)
			s.end(c, count, err)
		}()
	}
	c.readers[r] = struct{}{}
	c.fit(r)
	return c
}

// end hands out what a call ended with, an answer also to the readers of the calls that left before it.
func (s *share) end(c *call, count *AssetCount, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	failure, _ := errors.AsType[*Error](err)
	if err == nil || failure != nil && failure.Status != 0 {
		s.usual = (s.usual + min(time.Since(c.departed), s.hang())) / 2
	}
	c.finish(count, err)
	for _, other := range s.out {
		if err == nil && other.departed.Before(c.departed) {
			other.finish(count, nil)
		}
	}
	s.out = slices.DeleteFunc(s.out, func(c *call) bool { return c.ended })
	if s.open != nil {
		s.open.interrupt()
	}
}

// hang returns how long a call is out before it may be hanging: a second, and four times as long as answers usually take. The
// caller holds s.mu.
func (s *share) hang() time.Duration { return max(time.Second, 4*s.usual) }

// finish does nothing if a later call's answer was faster. The caller holds share.mu.
func (c *call) finish(count *AssetCount, err error) {
	if c.ended {
		return
	}
	c.ended, c.count, c.err = true, count, err
	c.cancel()
}

// turn returns the wait for the last call that left, which is over when its answer is there, or when it may be hanging.
func (c *call) turn() slot {
	s := c.share
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.out) == 0 {
		return slot{}
	}
	return slot{at: s.out[len(s.out)-1].departed.Add(s.hang()), why: "the answer of the call before", flexible: true}
}

// latest returns when a flexible wait ends at the latest, so that each reader has time for an answer.
func (c *call) latest() time.Time {
	c.share.mu.Lock()
	defer c.share.mu.Unlock()
	latest := time.Now().Add(farOff)
	for r := range c.readers {
		if r.latest.Before(latest) {
			latest = r.latest
		}
	}
	return latest
}

// setWait notes what the readers wait for, and dismisses those for whom it is too long.
func (c *call) setWait(s slot) {
	c.share.mu.Lock()
	defer c.share.mu.Unlock()
	c.wait = s
	for r := range c.readers {
		c.fit(r)
	}
}

// fit ends a flexible wait that leaves a reader too little time, and dismisses a reader for whom another wait is too long. The
// caller holds share.mu.
func (c *call) fit(r *reader) {
	switch {
	case c.wait.flexible && r.latest.Before(c.wait.at):
		c.interrupt()
	case !c.wait.flexible && !r.deadline.After(c.wait.at):
		r.dismiss(&WaitError{For: c.wait.why, Needs: time.Until(c.wait.at), Cause: context.DeadlineExceeded})
	}
}

// pause waits until s.at, or until what the call waits for may have changed.
func (c *call) pause(ctx context.Context, s slot) error {
	c.setWait(s)
	select {
	case <-time.After(time.Until(s.at)):
	case <-c.wake:
	case <-ctx.Done():
	}
	return ctx.Err()
}

// interrupt ends a pause of the call, or its next one.
func (c *call) interrupt() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// depart closes the call to further readers, since its request is about to leave. It fails if nobody waits any more.
func (c *call) depart(ctx context.Context, what string) error {
	s := c.share
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	s.open, s.out = nil, append(s.out, c)
	c.departed, c.wait = time.Now(), slot{why: what}
	return nil
}

// remove takes away a reader, and ends the call if it was the last one. An answer that has come by then is still handed out.
func (c *call) remove(r *reader, cause error) (*AssetCount, error) {
	c.share.mu.Lock()
	defer c.share.mu.Unlock()
	if c.ended {
		return c.count, c.err
	}
	delete(c.readers, r)
	if len(c.readers) == 0 {
		c.finish(nil, cause)
	}
	if dismissed, ok := errors.AsType[*WaitError](cause); ok {
		return nil, dismissed
	}
	err := &WaitError{For: c.wait.why, Cause: cause}
	if !c.departed.IsZero() {
		err.Attempts = 1
	}
	return nil, err
}

// logLongWaits lets a long wait show in the log after ten seconds, and then every thirty.
func (c *call) logLongWaits(ctx context.Context) {
	opened := time.Now()
	for wait := 10 * time.Second; ; wait = 30 * time.Second {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		c.share.mu.Lock()
		what, readers := c.wait.why, len(c.readers)
		c.share.mu.Unlock()
		c.share.logger.InfoContext(ctx, "Still waiting for "+what,
			"waited", time.Since(opened).Round(time.Second).String(), "reads", readers)
	}
}
