package credential

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aliyun/credentials-go/credentials/providers"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
)

// stub is a fetcher whose nth fetch takes a second and returns credentials for an hour, unless fail says otherwise.
type stub struct {
	fetches atomic.Int64
	fail    func(n int64) error
}

func (o *stub) source() *Source {
	return &Source{logger: slog.New(slog.DiscardHandler), name: "stub", fetcher: fetcher{source: "stub", fetch: func(context.Context) (Credentials, error) {
		n := o.fetches.Add(1)
		time.Sleep(time.Second)
		if o.fail != nil {
			if err := o.fail(n); err != nil {
				return Credentials{}, err
			}
		}
		return Credentials{AccessKeyID: fmt.Sprint("id", n), AccessKeySecret: "secret", SecurityToken: "token", Expiration: time.Now().Add(time.Hour)}, nil
	}}}
}

func get(t *testing.T, s *Source) string {
	t.Helper()
	c, err := s.Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return c.AccessKeyID
}

func TestSourceFetchesOnceForAllWhoWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var o stub
		s := o.source()
		var readers sync.WaitGroup
		for range 50 {
			readers.Go(func() {
				if id := get(t, s); id != "id1" {
					t.Errorf("got %s", id)
				}
			})
		}
		readers.Wait()
		if n := o.fetches.Load(); n != 1 {
			t.Errorf("%d fetches, want 1", n)
		}
	})
}

func TestSourceRefreshesAheadInTheBackground(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var o stub
		s := o.source()
		get(t, s)
		time.Sleep(time.Hour - refreshAhead - time.Second)
		if id := get(t, s); id != "id1" || o.fetches.Load() != 1 {
			t.Errorf("just before: %s after %d fetches", id, o.fetches.Load())
		}
		time.Sleep(2 * time.Second)
		began := time.Now()
		if id := get(t, s); id != "id1" || time.Since(began) != 0 {
			t.Errorf("while refreshing: %s after %s, want the old one at once", id, time.Since(began))
		}
		time.Sleep(2 * time.Second)
		if id := get(t, s); id != "id2" || o.fetches.Load() != 2 {
			t.Errorf("afterwards: %s after %d fetches", id, o.fetches.Load())
		}
	})
}

func TestSourceKeepsOldCredentialsWhileTheyHold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		down := &Error{Kind: Unavailable, Err: errors.New("service down")}
		o := stub{fail: func(n int64) error {
			if n > 1 {
				return down
			}
			return nil
		}}
		s := o.source()
		get(t, s)
		time.Sleep(time.Hour - refreshAhead)
		for range 60 { // 4 minutes and 55 seconds
			if id := get(t, s); id != "id1" {
				t.Fatalf("got %s", id)
			}
			if next := s.NextFetch(); !next.IsZero() {
				t.Fatalf("got %s as the time for the next fetch, want none while the old credentials hold", next)
			}
			time.Sleep(4900 * time.Millisecond)
		}
		if n := o.fetches.Load(); n < 10 || n > 21 {
			t.Errorf("%d fetches in five minutes, want one per pause", n)
		}
		time.Sleep(10 * time.Second)
		_, err := s.Get(t.Context())
		if e, ok := errors.AsType[*Error](err); !ok || e.Source != "stub" || !strings.Contains(err.Error(), "service down") {
			t.Errorf("after they expired: %v", err)
		}
		if next := s.NextFetch(); !next.After(time.Now()) {
			t.Errorf("got %s as the time for the next fetch, want one to come", next)
		}
	})
}

func TestSourceWhileCredentialsExpire(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var o stub
		s := o.source()
		var readers sync.WaitGroup
		for reader := range 50 {
			readers.Go(func() {
				for range 100 {
					c, err := s.Get(t.Context())
					if err != nil || !time.Now().Before(c.Expiration) {
						t.Errorf("got %v, %v", c, err)
					}
					time.Sleep(time.Duration(reader+1) * 7 * time.Second)
				}
			})
		}
		readers.Wait()
		if n := o.fetches.Load(); n > 12 {
			t.Errorf("%d fetches in %d hours", n, 50*7*100/3600)
		}
	})
}

// The library can't be stopped, so what was begun goes on, alone, and what comes late is for the next reader.
func TestSourceKeepsWhatComesLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var atOnce, fetches atomic.Int64
		slow := func(ctx context.Context) (Credentials, error) {
			fetches.Add(1)
			if atOnce.Add(1) > 1 {
				t.Error("two fetches at a time")
			}
			defer atOnce.Add(-1)
			time.Sleep(20 * time.Second)
			return Credentials{AccessKeyID: "id", AccessKeySecret: "secret"}, ctx.Err()
		}
		s := &Source{logger: slog.New(slog.DiscardHandler), name: "slow", fetcher: fetcher{source: "slow", fetch: slow}}
		var late, served int
		for range 60 { // reads of a second each, one after the other
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			began := time.Now()
			_, err := s.Get(ctx)
			switch {
			case err == nil:
				served++
				time.Sleep(time.Second)
			case !errors.Is(err, context.DeadlineExceeded), !strings.Contains(err.Error(), "slow"), time.Since(began) != time.Second:
				t.Errorf("got %v after %s", err, time.Since(began))
			default:
				late++
			}
			cancel()
		}
		if fetches.Load() != 1 {
			t.Errorf("got %d fetches, want 1", fetches.Load())
		}
		if late > 20 {
			t.Errorf("got %d reads without credentials and %d with, want 20 and 40", late, served)
		}
	})
}

func TestSourceWaitEndsWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var o stub
		s := o.source()
		gone := errors.New("gone")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second/2, func() { cancel(gone) })
		var others sync.WaitGroup
		others.Go(func() { get(t, s) })
		began := time.Now()
		if _, err := s.Get(ctx); !errors.Is(err, gone) {
			t.Errorf("got %v, want the context's cause", err)
		}
		if took := time.Since(began); took != time.Second/2 {
			t.Errorf("got it after %s, want 500ms", took)
		}
		others.Wait()
		if n := o.fetches.Load(); n != 1 {
			t.Errorf("got %d fetches, want 1", n)
		}
	})
}

// A background refresh has no waiter to leave it, and the reader that started it may be gone.
func TestSourceRefreshOutlivesItsReader(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var o stub
		s := o.source()
		get(t, s)
		time.Sleep(time.Hour - refreshAhead)
		ctx, cancel := context.WithCancel(t.Context())
		if _, err := s.Get(ctx); err != nil {
			t.Error(err)
		}
		cancel()
		time.Sleep(2 * time.Second)
		if id := get(t, s); id != "id2" {
			t.Errorf("got %s", id)
		}
	})
}

func TestSourceRemembersFailures(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		kind    Kind
		pause   time.Duration
		discard bool
		fetches int64
	}{
		"not found":          {NotFound, 4900 * time.Millisecond, false, 1},
		"refused":            {Refused, 4900 * time.Millisecond, false, 1},
		"later":              {NotFound, 5 * time.Second, false, 2},
		"may pass by itself": {Unavailable, 0, false, 2},
		"throttled":          {Throttled, 0, false, 2},
		"discarded":          {NotFound, 0, true, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				o := stub{fail: func(int64) error { return &Error{Kind: test.kind, Err: errors.New("no")} }}
				s := o.source()
				_, first := s.Get(t.Context())
				if test.discard {
					s.Discard(Credentials{})
				}
				time.Sleep(test.pause)
				_, second := s.Get(t.Context())
				if first == nil || second == nil || second.Error() != first.Error() || o.fetches.Load() != test.fetches {
					t.Errorf("%v, then %v after %d fetches, want %d", first, second, o.fetches.Load(), test.fetches)
				}
			})
		})
	}
}

func TestSourceDiscard(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var o stub
		s := o.source()
		old, err := s.Get(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !s.Discard(old) {
			t.Error("there won't be others")
		}
		if id := get(t, s); id != "id2" {
			t.Errorf("after discard: %s", id)
		}
		if !s.Discard(old) { // a slow reader's: what is current isn't what was refused
			t.Error("there are others already")
		}
		if id := get(t, s); id != "id2" || o.fetches.Load() != 2 {
			t.Errorf("after a second discard of the same: %s, %d fetches", id, o.fetches.Load())
		}
	})
}

// missing panics as the library does.
type missing struct{ providers.CredentialsProvider }

func (missing) GetCredentials() (*providers.Credentials, error) {
	var field *string
	return &providers.Credentials{AccessKeyId: *field}, nil
}

func TestPanicIsAnError(t *testing.T) {
	t.Parallel()
	s := &Source{logger: slog.New(slog.DiscardHandler), fetcher: fetcher{source: "metadata", fetch: func(context.Context) (Credentials, error) {
		return ask(missing{})
	}}}
	_, err := s.Get(t.Context())
	if e, ok := errors.AsType[*Error](err); !ok || e.Source != "metadata" || e.Kind != Malformed {
		t.Errorf("got %v", err)
	}
}

func TestSourceRefusesWhatHasExpired(t *testing.T) {
	t.Parallel()
	s := &Source{logger: slog.New(slog.DiscardHandler), fetcher: fetcher{source: "uri", fetch: func(context.Context) (Credentials, error) {
		return Credentials{AccessKeyID: "id", AccessKeySecret: "secret", Expiration: time.Unix(1, 0)}, nil
	}}}
	_, err := s.Get(t.Context())
	if err == nil || !strings.Contains(err.Error(), "expired at 1970-01-01T00:00:01Z by this machine's clock") {
		t.Errorf("got %v", err)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	role := AssumeRole{RoleARN: "acs:ram::1:role/r"}
	for name, test := range map[string]struct {
		cfg  Config
		want string
	}{
		"no secret":       {Config{AccessKeyID: "LTAI5tExampleExample"}, "no access key secret"},
		"no id":           {Config{AccessKeySecret: "top-secret-value"}, "no access key ID"},
		"only a token":    {Config{SecurityToken: "top-secret-value"}, "no access key"},
		"two sources":     {Config{Profile: "p", ECSRoleName: "r"}, "only one source"},
		"plain URI":       {Config{CredentialsURI: "http://example.com/?key=top-secret-value"}, "http is only allowed"},
		"user in URI":     {Config{CredentialsURI: "ftp://user:top-secret-value@example.com/"}, `scheme is "ftp"`},
		"no URI":          {Config{CredentialsURI: "not a uri top-secret-value"}, "isn't an absolute URL"},
		"role, no ARN":    {Config{AssumeRole: &AssumeRole{}}, "role ARN is empty"},
		"role, too short": {Config{AssumeRole: &AssumeRole{RoleARN: role.RoleARN, Expiration: 899}}, "899"},
		"role, too long":  {Config{AssumeRole: &AssumeRole{RoleARN: role.RoleARN, Expiration: 43201}}, "43201"},
		"OIDC, no token":  {Config{OIDC: &OIDC{ProviderARN: "p", RoleARN: "r"}}, "neither an OIDC token nor a token file"},
		"OIDC, no ARN":    {Config{OIDC: &OIDC{Token: "top-secret-value", RoleARN: "r"}}, "provider ARN is empty"},
		"OIDC, no role":   {Config{OIDC: &OIDC{Token: "top-secret-value", ProviderARN: "p"}}, "role ARN is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := New(test.cfg)
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Kind != Invalid || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			noSecrets(t, fmt.Sprint(err), "top-secret-value")
		})
	}
}

// A pipeline's temporary credentials are new on every run: nothing of them may name the account's budget.
func TestIdentity(t *testing.T) {
	t.Parallel()
	i := issuer(t)
	triple := keys()
	triple.SecurityToken = "CAIS+/with=="
	role := keys()
	role.STSEndpoint, role.AssumeRole = i.STSEndpoint(), &AssumeRole{RoleARN: testRole}
	for name, test := range map[string]struct {
		cfg  Config
		want string
	}{
		"keys":           {keys(), castest.DefaultKey.AccessKeyID},
		"temporary keys": {triple, "temporary credentials"},
		"assumed role":   {role, "1234567890123456"},
		"OIDC": {
			Config{STSEndpoint: i.STSEndpoint(), OIDC: &OIDC{ProviderARN: testProvider, RoleARN: testRole, Token: castest.OIDCToken}}, "1234567890123456",
		},
		"URI":        {Config{CredentialsURI: i.CredentialsURI()}, "temporary credentials"},
		"AK profile": {Config{SharedCredentialsFile: config(t, `"name": "p", "mode": "AK", `+ak)}, castest.DefaultKey.AccessKeyID},
		"StsToken profile": {
			Config{SharedCredentialsFile: config(t, `"name": "p", "mode": "StsToken", "sts_token": "CAIS+/with==", `+ak)}, "temporary credentials",
		},
		"CloudSSO profile": {
			Config{SharedCredentialsFile: config(t, `"name": "p", "mode": "CloudSSO", "cloud_sso_sign_in_url": "`+i.SignInURL()+`", "cloud_sso_account_id": "1234567890123456", "cloud_sso_access_config": "ac-1", "access_token": "`+castest.SSOAccessToken+`", "cloud_sso_access_token_expire": `+inTwoHours)}, "1234567890123456",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, c, err := fetch(t, test.cfg)
			if err != nil {
				t.Fatal(err)
			}
			if got := s.Identity(c); got != test.want {
				t.Errorf("identity %q, want %q", got, test.want)
			}
		})
	}
}
