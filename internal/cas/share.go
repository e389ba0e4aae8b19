package cas

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"
)

const (
	// hangTimeout is how long a call may keep later readers from a call of their own.
	hangTimeout = time.Second
	// longWait is when a log line says what a read is waiting for, and longWaitAgain how often it does so from then on.
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

	mu   sync.Mutex
	open *call   // its request hasn't left, so readers may still join it; nil where nobody waits
	out  []*call // in flight, in the order in which they left
}

// call is one attempt and the readers who share it.
type call struct {
	share  *share
	opened time.Time
	cancel context.CancelFunc

	done  chan struct{} // closed when count and err are there
	count *AssetCount
	err   error

	// What follows is guarded by share.mu.
	readers    map[*reader]struct{}
	departed   time.Time // zero until its request leaves
	ended      bool
	waitingFor string
	until      time.Time // before this time no answer can come
}

// reader is one GetAssetCount that waits.
type reader struct {
	deadline  time.Time       // zero where there is none
	dismissed chan *WaitError // what it waits for can't come before its deadline
}

// read waits for the answer of the next call.
func (s *share) read(ctx context.Context) (*AssetCount, error) {
	if err := ctx.Err(); err != nil {
		return nil, &WaitError{For: itsTurn, Cause: err}
	}
	r := &reader{dismissed: make(chan *WaitError, 1)}
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
			share: s, opened: time.Now(), done: make(chan struct{}), readers: map[*reader]struct{}{}, waitingFor: itsTurn,
		}
		// The call belongs to all its readers: it keeps the first one's values, for the log, and not its end.
		ctx, c.cancel = context.WithCancel(context.WithoutCancel(ctx))
		s.open = c
		var before *call
		if len(s.out) > 0 {
			before = s.out[len(s.out)-1]
		}
		go c.run(ctx, before)
	}
	c.readers[r] = struct{}{}
	c.dismiss(r)
	return c
}

// run makes the call when its turn has come.
func (c *call) run(ctx context.Context, before *call) {
	defer c.cancel()
	go c.watch(ctx)
	err := c.turn(ctx, before)
	var count *AssetCount
	if err == nil {
		count, err = c.share.attempt(ctx, c)
	}
	c.share.end(c, count, err)
}

// turn waits until the call before has ended, or has been out for so long that it may be hanging.
func (c *call) turn(ctx context.Context, before *call) error {
	if before == nil {
		return nil
	}
	c.waitFor("the answer of the call before")
	patience := time.NewTimer(time.Until(before.departed.Add(hangTimeout)))
	defer patience.Stop()
	select {
	case <-before.done:
	case <-patience.C:
	case <-ctx.Done():
	}
	return ctx.Err()
}

// end hands out what a call ended with, an answer also to the readers of the calls that left before it.
func (s *share) end(c *call, count *AssetCount, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == c {
		s.open = nil
	}
	i := slices.Index(s.out, c)
	c.finish(count, err)
	if err == nil {
		for _, earlier := range s.out[:max(i, 0)] {
			earlier.finish(count, nil)
		}
	}
	s.out = slices.DeleteFunc(s.out, func(c *call) bool { return c.ended })
}

// finish does nothing where a later call's answer was faster. The caller holds share.mu.
func (c *call) finish(count *AssetCount, err error) {
	if c.ended {
		return
	}
	c.ended, c.count, c.err = true, count, err
	close(c.done)
	c.cancel()
}

// waitFor notes what the readers are waiting for.
func (c *call) waitFor(what string) {
	c.share.mu.Lock()
	defer c.share.mu.Unlock()
	c.waitingFor = what
}

// pause waits for something that can't be there before t. Readers whose deadline comes first learn it at once.
func (c *call) pause(ctx context.Context, t time.Time, what string) error {
	c.share.mu.Lock()
	c.waitingFor, c.until = what, t
	for r := range c.readers {
		c.dismiss(r)
	}
	c.share.mu.Unlock()

	timer := time.NewTimer(time.Until(t))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// halfway brings t forward to where the reader with the least time has half of it left, so that a wait of our own choice
// leaves everybody time for an answer.
func (c *call) halfway(t time.Time) time.Time {
	c.share.mu.Lock()
	defer c.share.mu.Unlock()
	for r := range c.readers {
		if half := time.Now().Add(time.Until(r.deadline) / 2); !r.deadline.IsZero() && half.Before(t) {
			t = half
		}
	}
	return t
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

// leave takes away a reader whose time is up, and ends the call if it was the last one. What has come by then is
// handed out still.
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

// watch lets a long wait show in the log.
func (c *call) watch(ctx context.Context) {
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
