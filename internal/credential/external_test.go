package credential

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/userfile"
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
	must(t, err)
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
	c, err := profile{ProcessCommand: os.Args[0] + " external-command agent " + listener.Addr().String() +
		` '{"access_key_id": "a", "access_key_secret": "b"}'`}.external(t.Context(), nil)
	if err != nil || c.AccessKeyID != "a" {
		t.Errorf("got %v, %v, want the credentials that were printed", c, err)
	}
	agent, err := listener.Accept()
	must(t, err)
	_ = agent.Close()
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	return listener
}

// What never ends is read no further than what a file or a command may hold.
func TestInputIsBounded(t *testing.T) {
	t.Parallel()
	large := file(t, "large", strings.Repeat(" ", userfile.MaxSize+1))
	for name, source := range map[string]Source{
		"command":    inFile(t, running("endless")),
		"file":       Profile{File: large},
		"token file": OIDC{ProviderARN: testProvider, TokenFile: large},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := New(Config{Transport: isolated, Source: source}).Get(t.Context())
			if !errors.Is(err, userfile.ErrTooLarge) {
				t.Errorf("got %v, want %v", err, userfile.ErrTooLarge)
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
		if !slices.Equal(got, want.posix) || (err != nil) != (want.posix == nil) {
			t.Errorf("%q: got %q, %v, want %q", command, got, err, want.posix)
		}
		got, err = splitCommand(command, true)
		if want.windows != nil && (!slices.Equal(got, want.windows) || err != nil) {
			t.Errorf("on Windows %q: got %q, %v, want %q", command, got, err, want.windows)
		}
	}
}

func TestParseExternal(t *testing.T) {
	t.Parallel()
	const key = `{"access_key_id": "a", "access_key_secret": "b"`
	for _, more := range []string{
		``, `, "mode": "ak"`, `, "mode": "StsToken", "sts_token": "c"`,
		`, "expiration": "2999-01-01T00:00:00Z"`, `, "expiration": "2999-01-01T08:00:00+08:00"`,
		// What can't be read as a time counts as unknown.
		`, "expiration": "2036-01-01T00:00:00"`, `, "expiration": "2036-01-01T00:00Z"`, `, "expiration": {}`,
		`, "expiration": " 2036-01-01T00:00:00Z"`, `, "expiration": 2082758400`, `, "expiration": null`,
	} {
		var want Credentials
		want.AccessKeyID, want.AccessKeySecret = "a", "b"
		if strings.Contains(more, "sts_token") {
			want.SecurityToken = "c"
		}
		if strings.Contains(more, "2999") {
			want.Expiration = time.Date(2999, 1, 1, 0, 0, 0, 0, time.UTC)
		}
		got, err := parseExternal([]byte(key + more + `}`))
		got.Expiration = got.Expiration.UTC()
		if got != want || err != nil {
			t.Errorf("%s: got %v until %s, %v, want %v until %s", more, got, got.Expiration, err, want, want.Expiration)
		}
	}
	for output, want := range map[string]string{
		key + `, "mode": "StsToken"}`:                            "sts_token is empty",
		key + `, "mode": "RamRoleArn"}`:                          `its mode is "RamRoleArn"; only AK and StsToken`,
		`{"mode": "ChainableRamRoleArn", "source_profile": "q"}`: `its mode is "ChainableRamRoleArn"`,
		`{"mode": "hush/secret0in+mode000000000000"}`:            `its mode is "hus…"`,
		`{"access_key_id": "a"}`:                                 "no access key ID or no access key secret",
		`{"access_key_id": 5}`:                                   "isn't a JSON object",
		"hush {\"access_key_id\"":                                "isn't a JSON object",
	} {
		_, err := parseExternal([]byte(output))
		if !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%s: got %v, want %s", output, err, want)
		}
		noSecrets(t, fmt.Sprint(err), `hush"`, "secret0")
	}
}
