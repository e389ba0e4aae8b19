package cas

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"
)

const (
	// minHang and hangFactor say when a call may be hanging: it has been out for minHang, and for hangFactor times as long as
	// answers usually take.
	minHang    = time.Second
	hangFactor = 4
	// minAnswer is what a wait of our own choice leaves of each reader's time, in addition to what an answer usually takes.
	minAnswer = time.Second / 2
	// longWait is how long a read waits before a log line says for what, and longWaitAgain how long until the next such line.
	longWait      = 10 * time.Second
	longWaitAgain = 30 * time.Second

	itsTurn = "its turn"
)

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
	open  *call         // its request hasn't left, so readers may still join it; nil where nobody waits
	out   []*call       // in flight, in the order in which they left
	usual time.Duration // a moving average of what an answer takes
}

// call is one attempt and the readers who share it.
type call struct {
	share  *share
	opened time.Time
	cancel context.CancelFunc
	wake   chan struct{} // ends a pause early

	done  chan struct{} // closed when count and err are there
	count *AssetCount
	err   error

	// What follows is guarded by share.mu.
	readers    map[*reader]struct{}
	deadline   time.Time // the first of the readers', for which a wait of our own choice leaves time
	departed   time.Time // zero until its request leaves
	ended      bool
	waitingFor string
	until      time.Time // before this time no answer can come
}

// reader is one GetAssetCount that waits.
type reader struct {
	deadline  time.Time       // zero where there is none
	tried     bool            // the reader has had an attempt
	dismissed chan *WaitError // receives the error of a reader whose answer can't come before its deadline
}

// read waits for the answer of the next call. The reader may have tried before.
func (s *share) read(ctx context.Context, tried bool) (*AssetCount, error) {
	if err := ctx.Err(); err != nil {
		return nil, &WaitError{For: itsTurn, Cause: err}
	}
	r := &reader{tried: tried, dismissed: make(chan *WaitError, 1)}
	r.deadline, _ = ctx.Deadline()
	c := s.join(ctx, r)
	select {
	case <-c.done:
		return c.count, c.err
	case err := <-r.dismissed:
		return nil, err
	case <-ctx.Done():
		return c.leave(r, ctx.Err())
	}
}

func (s *share) join(ctx context.Context, r *reader) *call {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.open
	if c == nil {
		c = &call{
			share: s, opened: time.Now(), wake: make(chan struct{}, 1), done: make(chan struct{}),
			readers: map[*reader]struct{}{}, waitingFor: itsTurn,
		}
		// The call belongs to all its readers: it keeps the first one's values, for the log, and not its end.
		ctx, c.cancel = context.WithCancel(context.WithoutCancel(ctx))
		s.open = c
		go c.run(ctx)
	}
	c.readers[r] = struct{}{}
	c.dismiss(r)
	if !r.deadline.IsZero() && r.deadline.Before(c.deadline) {
		c.interrupt()
	}
	return c
}

func (c *call) run(ctx context.Context) {
	defer c.cancel()
	go c.logLongWaits(ctx)
	count, err := c.share.attempt(ctx, c)
	c.share.end(c, count, err)
}

// end hands out what a call ended with, an answer also to the readers of the calls that left before it.
func (s *share) end(c *call, count *AssetCount, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == c {
		s.open = nil
	}
	failure, _ := errors.AsType[*Error](err)
	if err == nil || failure != nil && failure.Status != 0 {
		s.usual = (s.usual + min(time.Since(c.departed), s.hang())) / 2
	}
	i := slices.Index(s.out, c)
	c.finish(count, err)
	if err == nil {
		for _, earlier := range s.out[:max(i, 0)] {
			earlier.finish(count, nil)
		}
	}
	s.out = slices.DeleteFunc(s.out, func(c *call) bool { return c.ended })
	if s.open != nil {
		s.open.interrupt()
	}
}

// hang returns how long a call is out before it may be hanging. The caller holds s.mu.
func (s *share) hang() time.Duration { return max(minHang, hangFactor*s.usual) }

// finish does nothing where a later call's answer was faster. The caller holds share.mu.
func (c *call) finish(count *AssetCount, err error) {
	if c.ended {
		return
	}
	c.ended, c.count, c.err = true, count, err
	close(c.done)
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
	return slot{at: s.out[len(s.out)-1].departed.Add(s.hang()), why: "the answer of the call before", ours: true}
}

// latest returns when a wait of our own choice ends at the latest, so that each reader has time for an answer. A reader
// that has had an attempt, and that had too little time for another when the call was opened, doesn't count.
func (c *call) latest() time.Time {
	c.share.mu.Lock()
	defer c.share.mu.Unlock()
	answer := c.share.usual + minAnswer
	c.deadline = time.Now().Add(maxRetryAfter)
	for r := range c.readers {
		over := r.tried && !r.deadline.After(c.opened.Add(answer))
		if !r.deadline.IsZero() && !over && r.deadline.Before(c.deadline) {
			c.deadline = r.deadline
		}
	}
	return c.deadline.Add(-answer)
}

// waitFor notes what the readers are waiting for.
func (c *call) waitFor(what string) {
	c.share.mu.Lock()
	defer c.share.mu.Unlock()
	c.waitingFor = what
}

// pause waits until s.at, or until what the call waits for may have changed. Unless the wait is of our own choice, readers
// whose deadline comes first learn it at once.
func (c *call) pause(ctx context.Context, s slot) error {
	c.share.mu.Lock()
	c.waitingFor, c.until = s.why, time.Time{}
	if !s.ours {
		c.until = s.at
		for r := range c.readers {
			c.dismiss(r)
		}
	}
	c.share.mu.Unlock()

	timer := time.NewTimer(time.Until(s.at))
	defer timer.Stop()
	select {
	case <-timer.C:
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

// depart closes the call to further readers, since its request is about to leave. It fails where nobody waits any more.
func (c *call) depart(ctx context.Context, what string) error {
	s := c.share
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	s.open, s.out = nil, append(s.out, c)
	c.departed, c.waitingFor = time.Now(), what
	return nil
}

// leave takes away a reader whose time is up, and ends the call if it was the last one. An answer that has come by then is
// still handed out.
func (c *call) leave(r *reader, cause error) (*AssetCount, error) {
	c.share.mu.Lock()
	defer c.share.mu.Unlock()
	if c.ended {
		return c.count, c.err
	}
	c.remove(r)
	err := &WaitError{For: c.waitingFor, Cause: cause}
	if !c.departed.IsZero() {
		err.Attempts = 1
	}
	return nil, err
}

// dismiss takes away a reader for whom the answer can't come in time. The caller holds share.mu.
func (c *call) dismiss(r *reader) {
	if r.deadline.IsZero() || r.deadline.After(c.until) {
		return
	}
	r.dismissed <- &WaitError{For: c.waitingFor, Needs: time.Until(c.until), Cause: context.DeadlineExceeded}
	c.remove(r)
}

// remove ends the call with its last reader. The caller holds share.mu.
func (c *call) remove(r *reader) {
	delete(c.readers, r)
	if len(c.readers) > 0 {
		return
	}
	c.cancel()
	if c.share.open == c {
		c.share.open = nil
	}
}

// logLongWaits lets a long wait show in the log.
func (c *call) logLongWaits(ctx context.Context) {
	timer := time.NewTimer(longWait)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		c.share.mu.Lock()
		what, readers := c.waitingFor, len(c.readers)
		c.share.mu.Unlock()
		c.share.logger.InfoContext(ctx, "Still waiting for "+what,
			"waited", time.Since(c.opened).Round(time.Second).String(), "reads", readers)
		timer.Reset(longWaitAgain)
	}
}
