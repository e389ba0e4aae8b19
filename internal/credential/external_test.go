package credential

import (
	"context"
	"errors"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// A source that is closed leaves no command behind.
func TestCloseKillsTheCommand(t *testing.T) {
	t.Parallel()
	listener := listen(t)
	s := New(Config{Transport: isolated, Source: inFile(t, running("stay "+listener.Addr().String()))})
	ctx, leave := context.WithCancel(t.Context())
	var reader sync.WaitGroup
	reader.Go(func() { _, _ = s.Get(ctx) })
	command, err := listener.Accept() // the command is alive as long as this connection
	if err != nil {
		t.Fatal(err)
	}
	leave()
	reader.Wait()
	s.Close()
	_ = command.SetReadDeadline(time.Now().Add(time.Minute))
	if _, err := command.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v from the command, want its connection closed", err)
	}
	if _, err := s.Get(t.Context()); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v from a closed source, want %v", err, context.Canceled)
	}
}

// What a command leaves in the background keeps its output open, but the command has printed all.
func TestCommandLeavesAnAgent(t *testing.T) {
	t.Parallel()
	listener := listen(t)
	c, err := external(t.Context(), os.Args[0]+" external-command agent "+listener.Addr().String()+
		` '{"access_key_id": "a", "access_key_secret": "b"}'`)
	if err != nil || c.AccessKeyID != "a" {
		t.Errorf("got %v, %v, want the credentials that were printed", c, err)
	}
	agent, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	_ = agent.Close()
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener
}

// What never ends is read no further than what a file or a command may hold.
func TestInputIsBounded(t *testing.T) {
	t.Parallel()
	large := file(t, "large", strings.Repeat(" ", maxInput+1))
	for name, source := range map[string]Source{
		"command":    inFile(t, running("endless")),
		"file":       Profile{File: large},
		"token file": OIDC{ProviderARN: testProvider, TokenFile: large},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := New(Config{Transport: isolated, Source: source}).Get(t.Context())
			if !errors.Is(err, errTooLarge) {
				t.Errorf("got %v, want %v", err, errTooLarge)
			}
		})
	}
}

func TestSplitCommand(t *testing.T) {
	t.Parallel()
	for command, want := range map[string]struct{ posix, windows []string }{
		`tool  arg`:        {posix: []string{"tool", "arg"}, windows: []string{"tool", "arg"}},
		`tool 'a b' "c d"`: {posix: []string{"tool", "a b", "c d"}, windows: []string{"tool", "a b", "c d"}},
		`tool "" x`:        {posix: []string{"tool", "", "x"}, windows: []string{"tool", "", "x"}},
		`tool a\ b`:        {posix: []string{"tool", "a b"}, windows: []string{"tool", `a\`, "b"}},
		`C:\bin\tool x`:    {posix: []string{"C:bintool", "x"}, windows: []string{`C:\bin\tool`, "x"}},
		`"a \"b\" \c \\"`:  {posix: []string{`a "b" \c \`}, windows: nil},
		`'a\b'`:            {posix: []string{`a\b`}, windows: []string{`a\b`}},
		"a\\\nb":           {posix: []string{"ab"}, windows: []string{`a\`, "b"}},
		"tool x\r\n":       {posix: []string{"tool", "x"}, windows: []string{"tool", "x"}},
		"tool\u00a0x\vy\u2003z\u0085": {
			posix: []string{"tool", "x", "y", "z"}, windows: []string{"tool", "x", "y", "z"},
		},
		"tool '\u00a0' \"\r\"": {posix: []string{"tool", "\u00a0", "\r"}, windows: []string{"tool", "\u00a0", "\r"}},
		"tool \\\rx":           {posix: []string{"tool", "\rx"}, windows: []string{"tool", `\`, "x"}},
		"tool \\\n \"a\\\nb\"": {posix: []string{"tool", "ab"}, windows: []string{"tool", `\`, "a\\\nb"}},
		`tool \"a b"`:          {windows: []string{"tool", `\a b`}},
		`a/b=c x`:              {posix: []string{"a/b=c", "x"}, windows: []string{"a/b=c", "x"}},
		`A=b x`:                {},
		`tool \ `:              {windows: []string{"tool", `\`}},
		`"A"='b' x`:            {},
		`tool 'open`:           {},
		``:                     {},
		`""`:                   {},
		`tool \`:               {posix: nil, windows: []string{"tool", `\`}},
	} {
		got, err := splitCommand(command, false)
		if !slices.Equal(got, want.posix) {
			t.Errorf("%q: got %q, want %q", command, got, want.posix)
		}
		if fails := want.posix == nil; (err != nil) != fails {
			t.Errorf("%q: got %v, want an error: %t", command, err, fails)
		}
		if want.windows == nil {
			continue
		}
		if got, err := splitCommand(command, true); !slices.Equal(got, want.windows) || err != nil {
			t.Errorf("on Windows %q: got %q, %v, want %q", command, got, err, want.windows)
		}
	}
}

func TestParseExternal(t *testing.T) {
	t.Parallel()
	const withExpiration = `{"access_key_id": "a", "access_key_secret": "b", "expiration": `
	for output, want := range map[string]string{
		// What can't be read as a time counts as unknown.
		withExpiration + `"2036-01-01T00:00:00"}`:          "",
		withExpiration + `"2036-01-01T00:00Z"}`:            "",
		withExpiration + `" 2036-01-01T00:00:00Z"}`:        "",
		withExpiration + `2082758400}`:                     "",
		withExpiration + `{}}`:                             "",
		withExpiration + `null}`:                           "",
		`{"access_key_id": "a", "access_key_secret": "b"}`: "",
		`{"access_key_id": "a", "access_key_secret": "b", "sts_token": "c", "mode": "StsToken"}`: "",
		withExpiration + `"2030-01-01T00:00:00Z"}`:                                               "",
		withExpiration + `"2030-01-01T08:00:00+08:00"}`:                                          "",
		`{"access_key_id": "a", "access_key_secret": "b", "mode": "StsToken"}`:                   "sts_token is empty",
		`{"access_key_id": "a", "access_key_secret": "b", "mode": "ak"}`:                         "",
		`{"access_key_id": "a", "access_key_secret": "b", "mode": "RamRoleArn"}`: `its mode is "RamRoleArn"; only AK ` +
			`and StsToken`,
		`{"mode": "ChainableRamRoleArn", "source_profile": "q"}`: `its mode is "ChainableRamRoleArn"`,
		`{"mode": "hush/secret0in+mode000000000000"}`:            `its mode is "hus…"`,
		`{"access_key_id": "a"}`:                                 "no access key ID or no access key secret",
		`{"access_key_id": 5}`:                                   "isn't a JSON object",
		"hush {\"access_key_id\"":                                "isn't a JSON object",
	} {
		c, err := parseExternal([]byte(output))
		if want == "" {
			if err != nil {
				t.Errorf("%s: got %v, want credentials", output, err)
			}
			if c.AccessKeyID != "a" {
				t.Errorf("%s: got access key ID %q, want a", output, c.AccessKeyID)
			}
			if c.AccessKeySecret != "b" {
				t.Errorf("%s: got access key secret %q, want b", output, c.AccessKeySecret)
			}
			if expires := strings.Contains(output, "2030"); c.Expiration.IsZero() == expires {
				t.Errorf("%s: got expiration %s, want one: %t", output, c.Expiration, expires)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", output, err, want)
			continue
		}
		noSecrets(t, err.Error(), `hush"`, "secret0")
	}
}
