package credential

import (
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
)

// What is in a home that belongs to somebody else is what nobody has set up. Permissions don't keep
// a superuser who runs the tests from anything, so that the error is made.
func TestFileError(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err     error
		unnamed bool
		kind    egress.Kind
		unset   bool
	}{
		"absent":               {err: fs.ErrNotExist, kind: NotFound, unset: true},
		"below a file":         {err: syscall.ENOTDIR, kind: NotFound, unset: true},
		"no home":              {err: errNoHome, unnamed: true, kind: NotFound, unset: true},
		"forbidden, unnamed":   {err: fs.ErrPermission, unnamed: true, kind: Invalid, unset: true},
		"forbidden, named":     {err: fs.ErrPermission, kind: Invalid},
		"a directory, unnamed": {err: syscall.EISDIR, unnamed: true, kind: Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := fileError(&fs.PathError{Op: "open", Path: "f", Err: test.err}, test.unnamed)
			if e.Kind != test.kind {
				t.Errorf("got kind %s, want %s", e.Kind, test.kind)
			}
			if e.notSetUp != test.unset {
				t.Errorf("got it not set up: %t, want %t", e.notSetUp, test.unset)
			}
		})
	}
}

func TestHomeIsExpanded(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("USERPROFILE", home)
	if err := os.WriteFile(filepath.Join(home, "mine.json"), []byte(`{"current": "p", "profiles": [{"name": "p", "mode": "AK", `+ak+`}]}`),
		0o600); err != nil {
		t.Fatal(err)
	}
	s, _, err := fetch(t, Config{Source: Profile{File: "~/mine.json"}})
	if err != nil {
		t.Errorf("got %v, want credentials", err)
	}
	if want := "profile p of ~/mine.json"; s.String() != want {
		t.Errorf("got source %q, want %q", s, want)
	}
	for path, want := range map[string]string{"~": home, "~other/x": "~other/x", "/~/x": "/~/x", "": ""} {
		if got, err := expandHome(path); got != want || err != nil {
			t.Errorf("%q: got %q, %v, want %q", path, got, err, want)
		}
	}
}

// A service of the system may have no home directory in its environment. Without one, ~ would name
// a directory of the working directory, whose External command would be run.
func TestHomeIsTheUserDatabasesWithoutAnotherOne(t *testing.T) { //nolint:paralleltest // it sets the environment
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	for _, homeless := range []string{"", "relative"} {
		t.Setenv("HOME", homeless)
		t.Setenv("USERPROFILE", homeless)
		got, err := expandHome("~/.aliyun/config.json")
		if want := filepath.Join(me.HomeDir, ".aliyun/config.json"); got != want || err != nil {
			t.Errorf("HOME %q: got %q, %v, want %q", homeless, got, err, want)
		}
	}
}
