package credential

import (
	"io/fs"
	"os/user"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
)

// A source in another user's home directory isn't set up. The error is made here, because a
// superuser who runs the tests has all permissions.
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
		e := fileError(&fs.PathError{Op: "open", Path: "f", Err: test.err}, test.unnamed)
		if e.Kind != test.kind || e.notSetUp != test.unset {
			t.Errorf("%s: got kind %s, not set up: %t, want %s, %t", name, e.Kind, e.notSetUp, test.kind, test.unset)
		}
	}
}

func TestHomeIsExpanded(t *testing.T) { //nolint:paralleltest // it has a home directory of its own
	home := home(t, nil)
	for path, want := range map[string]string{
		"~": home, "~/x": filepath.Join(home, "x"), "~other/x": "~other/x", "/~/x": "/~/x", "": "",
	} {
		if got, err := expandHome(path); got != want || err != nil {
			t.Errorf("%q: got %q, %v, want %q", path, got, err, want)
		}
	}
}

// A service of the system may have no home directory in its environment. Without one, ~ would name
// a directory of the working directory, whose External command would be run.
func TestHomeIsTheUserDatabasesWithoutAnotherOne(t *testing.T) { //nolint:paralleltest // it sets the environment
	me, err := user.Current()
	must(t, err)
	for _, homeless := range []string{"", "relative"} {
		t.Setenv("HOME", homeless)
		t.Setenv("USERPROFILE", homeless)
		got, err := expandHome("~/.aliyun/config.json")
		if want := filepath.Join(me.HomeDir, ".aliyun/config.json"); got != want || err != nil {
			t.Errorf("HOME %q: got %q, %v, want %q", homeless, got, err, want)
		}
	}
}
