// Package credential gets Alibaba Cloud credentials from every source that the vendor's tools know:
// one fetch at a time, over package egress, and with errors that say why and hold no secret.
package credential

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
)

// DefaultSessionName names the sessions of assumed roles if nothing else does.
const DefaultSessionName = "terraform"

// Config says where credentials come from. From the environment, this package reads nothing but the
// switches of the metadata service.
type Config struct {
	Source     Source
	SetBy      string      // the setting that selected it, for messages: "ALIBABA_CLOUD_PROFILE"
	AssumeRole *AssumeRole // a role to assume with the credentials of Source; nil means none
	STS        STS
	Transport  egress.Transport // nil means one of egress
	Logger     *slog.Logger     // nil means none
}

const (
	// refreshAhead is how long before they expire credentials are fetched again in the background.
	refreshAhead = 5 * time.Minute
	// refreshPause keeps every read from fetching again if the source has nothing newer.
	refreshPause = 15 * time.Second
	// failureHolds is how long a failure that isn't temporary is returned again without a fetch, so
	// that of many reads only the first waits for it.
	failureHolds = 5 * time.Second
)

// Cache hands out the credentials of a source. It is safe for concurrent use.
type Cache struct {
	fetcher fetcher
	flight  singleflight.Group // of the one fetch that may be under way

	life context.Context // every fetch ends with it
	end  context.CancelFunc

	mu        sync.Mutex
	current   Credentials
	fetched   time.Time // when the last fetch ended
	failure   *Error    // of that fetch; nil if it didn't fail
	failing   time.Time // since when fetches have failed temporarily
	nextFetch time.Time // when to try again, if the failure is temporary
}

// New returns a cache of the credentials that cfg describes. It uses neither network nor files.
func New(cfg Config) *Cache {
	cfg.Logger = cmp.Or(cfg.Logger, slog.New(slog.DiscardHandler))
	cfg.Transport = cmp.Or(cfg.Transport, egress.Transport(egress.NewTransport()))
	if cfg.AssumeRole != nil {
		cfg.Source = roleOn{cfg.Source, *cfg.AssumeRole}
	}
	life, end := context.WithCancel(context.Background()) //nolint:forbidigo // a cache's own life
	return &Cache{fetcher: fetcher{Config: cfg}, current: Credentials{source: cfg.Source.String()}, life: life, end: end}
}

// Get returns credentials that hold now. If there are none, it fetches them once for all callers
// that wait: ctx ends only this caller's wait, and late credentials are for the next one. The error
// is an [*Error], which is remembered for some seconds unless it is temporary, or the context's.
func (s *Cache) Get(ctx context.Context) (Credentials, error) {
	fetched, c, err := s.join(ctx)
	if fetched == nil {
		return c, err
	}
	select {
	case result := <-fetched:
		return result.Val.(Credentials), result.Err //nolint:forcetypeassert // as fetch returns them
	case <-ctx.Done():
		return Credentials{}, fmt.Errorf("get credentials from %s: %w", s, context.Cause(ctx))
	}
}

// join returns what there is without waiting, or what a fetch will bring.
func (s *Cache) join(ctx context.Context) (<-chan singleflight.Result, Credentials, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	switch {
	case s.holds(now):
		expiring := !s.current.Expiration.IsZero() && s.current.Expiration.Sub(now) <= refreshAhead
		if expiring && now.Sub(s.fetched) >= refreshPause {
			s.start(ctx)
		}
		return nil, s.current, nil
	case s.failure != nil && !s.failure.Temporary() && now.Sub(s.fetched) < failureHolds:
		return nil, Credentials{}, s.failure
	}
	return s.start(ctx), Credentials{}, nil
}

// holds reports whether the last credentials can still be used.
func (s *Cache) holds(now time.Time) bool {
	return s.current.AccessKeyID != "" && (s.current.Expiration.IsZero() || now.Before(s.current.Expiration))
}

// start begins a fetch if none is under way. It goes on without the caller.
func (s *Cache) start(ctx context.Context) <-chan singleflight.Result {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	return s.flight.DoChan("", func() (any, error) {
		defer cancel()
		defer context.AfterFunc(s.life, cancel)() //nolint:contextcheck // ctx is a reader's
		return s.fetch(ctx)
	})
}

// Close ends the fetch that may be under way, with the command that it runs, and returns once it
// has ended. A sign-in whose renewal was requested is saved first, since its old token is used up.
func (s *Cache) Close() {
	s.end()
	select {
	case <-s.flight.DoChan("", func() (any, error) { return Credentials{}, context.Canceled }):
	case <-time.After(requestTimeout + 5*time.Second): // a file system that hangs can't be interrupted
	}
}

// fetch fetches credentials and keeps them, or the failure.
func (s *Cache) fetch(ctx context.Context) (Credentials, error) {
	c, err := s.fetcher.get(ctx, s.fetcher.Source)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fetched = time.Now()
	if err != nil {
		e := asError(err)
		e.Source = s.title(e.Source)
		if s.failure == nil || !s.failure.Temporary() {
			s.failing = s.fetched
		}
		s.failure, s.nextFetch = e, s.fetched.Add(max(e.RetryAfter, egress.Backoff(s.fetched.Sub(s.failing))))
		s.fetcher.Logger.WarnContext(ctx, "Fetching credentials failed",
			"source", e.Source, "kind", e.Kind, "error", e.Err)
		return Credentials{}, e
	}
	s.current, s.failure = c, nil
	s.fetcher.Logger.DebugContext(ctx, "Fetched credentials", "source", s.title(c.source),
		"access_key_id", Shorten(c.AccessKeyID), "temporary", c.SecurityToken != "", "expiration", c.Expiration)
	return c, nil
}

// NextFetch returns when to call Get again after temporary failures. Get itself doesn't wait for
// that. It is zero if the last fetch didn't fail temporarily, and while older credentials hold.
func (s *Cache) NextFetch() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failure == nil || !s.failure.Temporary() || s.holds(time.Now()) {
		return time.Time{}
	}
	return s.nextFetch
}

// Discard reports that the service refused c: if c is what Get returns, the next Get fetches again.
// It returns whether that may bring other credentials: not if c was configured as it is.
func (s *Cache) Discard(c Credentials) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current == c {
		s.current, s.failure = Credentials{source: c.source}, nil
	}
	return !c.given
}

// String names the source; of the default chain, once known, the one that had credentials.
func (s *Cache) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.title(s.current.source)
}

// title adds the setting that selected the source to its name.
func (s *Cache) title(name string) string {
	if s.fetcher.SetBy == "" {
		return name
	}
	return name + " (" + s.fetcher.SetBy + ")"
}
