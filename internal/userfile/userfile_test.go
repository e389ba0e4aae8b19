package userfile

import (
	"errors"
	"os"
	"os/user"
	"path/filepath"
	"testing"
)

func TestHomeIsExpanded(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("USERPROFILE", home)
	for path, want := range map[string]string{
		"~": home, "~/x": filepath.Join(home, "x"), "~other/x": "~other/x", "/~/x": "/~/x", "": "",
	} {
		if got, err := ExpandHome(path); got != want || err != nil {
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
		got, err := ExpandHome("~/.aliyun/config.json")
		if want := filepath.Join(me.HomeDir, ".aliyun/config.json"); got != want || err != nil {
			t.Errorf("HOME %q: got %q, %v, want %q", homeless, got, err, want)
		}
	}
}

// Callers distinguish what doesn't exist from what can't be read.
func TestAbsent(t *testing.T) {
	t.Parallel()
	path := file(t, "file", "")
	missing, below := path+"s", filepath.Join(path, "below")
	_, errMissing := Read(missing)
	_, errBelow := Read(below)
	for want, err := range map[string]error{
		"no home directory is known": errNoHome, "no file " + missing: errMissing, "no file " + below: errBelow,
	} {
		if !errors.Is(err, os.ErrNotExist) || err.Error() != want {
			t.Errorf("got %v, want %s, which is os.ErrNotExist", err, want)
		}
	}
}

func file(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	must(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

// must ends a test that can't go on after an error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
