package credential

import (
	"slices"
	"strings"
	"testing"
)

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
		`tool 'open`:       {},
		``:                 {},
		`""`:               {},
		`tool \`:           {posix: nil, windows: []string{"tool", `\`}},
	} {
		if got, err := splitCommand(command, false); !slices.Equal(got, want.posix) || (err == nil) != (want.posix != nil) {
			t.Errorf("%q: got %q, %v; want %q", command, got, err, want.posix)
		}
		if want.windows == nil {
			continue
		}
		if got, err := splitCommand(command, true); !slices.Equal(got, want.windows) || err != nil {
			t.Errorf("on Windows %q: got %q, %v; want %q", command, got, err, want.windows)
		}
	}
}

func TestParseExternal(t *testing.T) {
	t.Parallel()
	for output, want := range map[string]string{
		`{"access_key_id": "a", "access_key_secret": "b"}`:                                            "",
		`{"access_key_id": "a", "access_key_secret": "b", "sts_token": "c", "mode": "StsToken"}`:      "",
		`{"access_key_id": "a", "access_key_secret": "b", "expiration": "2030-01-01T00:00:00Z"}`:      "",
		`{"access_key_id": "a", "access_key_secret": "b", "expiration": "2030-01-01T08:00:00+08:00"}`: "",
		`{"access_key_id": "a", "access_key_secret": "b", "expiration": "hush"}`:                      "RFC 3339",
		`{"access_key_id": "a", "access_key_secret": "b", "mode": "StsToken"}`:                        "sts_token is empty",
		`{"access_key_id": "a", "access_key_secret": "b", "mode": "ak"}`:                              "",
		`{"access_key_id": "a", "access_key_secret": "b", "mode": "RamRoleArn"}`: `its mode is "RamRoleArn"; only AK ` +
			`and StsToken`,
		`{"mode": "ChainableRamRoleArn", "source_profile": "q"}`: `its mode is "ChainableRamRoleArn"`,
		`{"mode": "hush/secret0in+mode000000000000"}`:            `its mode is "hush…0000"`,
		`{"access_key_id": "a"}`:                                 "is empty",
		`{"access_key_id": 5}`:                                   "isn't a JSON object",
		"hush {\"access_key_id\"":                                "isn't a JSON object",
	} {
		c, err := parseExternal([]byte(output))
		if want == "" {
			if err != nil || c.AccessKeyID != "a" || c.AccessKeySecret != "b" || strings.Contains(output, "expiration") == c.Expiration.IsZero() {
				t.Errorf("%s: got %v, %v", output, c, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hush\"") ||
			strings.Contains(err.Error(), "secret0") {
			t.Errorf("%s: got %v, want %s", output, err, want)
		}
	}
}
