package quiet

import (
	"os"
	"testing"
)

func TestSilence(t *testing.T) { //nolint:paralleltest // the environment is the process's
	for given, want := range map[string]struct {
		left     string
		silenced bool
	}{
		"":                       {"", false},
		"sdk":                    {"sdk", false},
		"credential":             {"", true},
		"sdk,credential,tea":     {"sdk,tea", true},
		"credentials,credential": {"credentials", true},
	} {
		t.Setenv("DEBUG", given)
		if got := silence(); got != want.silenced || os.Getenv("DEBUG") != want.left {
			t.Errorf("%q: silenced %t, left %q; want %+v", given, got, os.Getenv("DEBUG"), want)
		}
	}
}
