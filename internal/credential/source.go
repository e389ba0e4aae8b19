package credential

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

const (
	// refreshAhead is how long before they expire credentials are fetched anew, while the old ones are still in use.
	refreshAhead = 5 * time.Minute
	// refreshPause keeps a source that has nothing newer from being asked by every read.
	refreshPause = 15 * time.Second
)

// Source hands out credentials. It is safe for concurrent use.
type Source struct {
	origin  origin
	askedBy string
	logger  *slog.Logger
	flight  singleflight.Group

	mu        sync.Mutex
	name      string
	current   Credentials
	refreshAt time.Time // when to ask again though current still holds; zero for never
}

// Get returns credentials that hold now. It fetches them where there are none,
// once for all who wait; ctx ends only this caller's wait. Shortly before they
// expire they are fetched anew in the background. The error is an [*Error] or
// wraps the context's.
func (s *Source) Get(ctx context.Context) (Credentials, error) {
	c, stale, ok := s.cached()
	if ok && !stale {
		return c, nil
	}
	fetched := s.flight.DoChan("", func() (any, error) { return s.refresh(context.WithoutCancel(ctx)) })
	if ok {
		return c, nil
	}
	select {
	case r := <-fetched:
		if r.Err != nil {
			return Credentials{}, r.Err
		}
		c, _ := r.Val.(Credentials)
		return c, nil
	case <-ctx.Done():
		return Credentials{}, fmt.Errorf("get credentials from %s: %w", s, context.Cause(ctx))
	}
}

// Discard reports that the service refused c: if c is what Get returns, the next
// Get fetches anew. It returns whether that may bring other credentials, which
// is not so for keys that were given as they are.
func (s *Source) Discard(c Credentials) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current != c {
		return true
	}
	s.current = Credentials{}
	return !c.given
}

// String names the source; of the default chain, once known, the one that had
// credentials.
func (s *Source) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.title(s.name)
}

// title adds who asked for the source to its name.
func (s *Source) title(name string) string {
	if s.askedBy == "" {
		return name
	}
	return name + " (" + s.askedBy + ")"
}

// Identity returns what stands for the account that c belongs to: the account of
// an assumed role, else a key that doesn't change, else the source's name.
func (s *Source) Identity(c Credentials) string {
	if c.account != "" {
		return c.account
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.name
}

func (s *Source) cached() (c Credentials, stale, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	c = s.current
	ok = c.AccessKeyID != "" && (c.Expiration.IsZero() || now.Before(c.Expiration))
	return c, !s.refreshAt.IsZero() && !now.Before(s.refreshAt), ok
}

func (s *Source) refresh(ctx context.Context) (Credentials, error) {
	if c, stale, ok := s.cached(); ok && !stale {
		return c, nil // someone else's fetch ended between this caller's look and its turn
	}
	c, err := s.origin.get(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if err == nil && !c.Expiration.IsZero() && !now.Before(c.Expiration) {
		err = &Error{Source: c.origin, Kind: Malformed,
			Err: fmt.Errorf("what it gave expired at %s", c.Expiration.UTC().Format(time.RFC3339))}
	}
	if err != nil {
		e := explain(err, newScrubber())
		e.Source = s.title(e.Source)
		s.refreshAt = now.Add(refreshPause)
		s.logger.WarnContext(ctx, "fetching credentials failed", "source", e.Source, "kind", e.Kind, "error", e.Err)
		return Credentials{}, e
	}
	s.current, s.refreshAt = c, time.Time{}
	if !c.Expiration.IsZero() {
		s.refreshAt = c.Expiration.Add(-refreshAhead)
		if soon := now.Add(refreshPause); s.refreshAt.Before(soon) {
			s.refreshAt = soon
		}
	}
	s.name = c.origin
	s.logger.DebugContext(ctx, "fetched credentials", "source", s.title(s.name),
		"access_key_id", Shorten(c.AccessKeyID), "temporary", c.SecurityToken != "", "expiration", c.Expiration)
	return c, nil
}
