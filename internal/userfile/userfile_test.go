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
func TestMissingFileIsNotFound(t *testing.T) {
	t.Parallel()
	path := file(t, "file", "")
	missing, below := path+"s", filepath.Join(path, "below")
	_, errMissing := Read(missing)
	_, errBelow := Read(below)
	for want, err := range map[string]error{"no file " + missing: errMissing, "no file " + below: errBelow} {
		if !errors.Is(err, os.ErrNotExist) || err.Error() != want {
			t.Errorf("got %v, want %s, which is os.ErrNotExist", err, want)
		}
	}
}

func TestWriteFile(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]func(string, []byte) error{
		"replaced": func(path string, content []byte) error { return replaceFile(path, []byte("old content"), content) },
		"in place": overwriteFile,
	} {
		for _, content := range []string{"short", "a longer one than before"} {
			t.Run(name+"/"+content, func(t *testing.T) {
				t.Parallel()
				path := file(t, "config.json", "old content")
				must(t, write(path, []byte(content)))
				holds(t, path, content)
			})
		}
	}
}

func TestReplaceFileLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	for name, entries := range map[string]int{"absent": 0, "directory": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := t.TempDir()
			path := filepath.Join(in, "config.json")
			if entries > 0 && os.Mkdir(path, 0o700) != nil {
				t.Fatal("no directory")
			}
			if err := replaceFile(path, nil, []byte("new")); err == nil {
				t.Error("got no error, want one")
			}
			if left, err := os.ReadDir(in); len(left) != entries {
				t.Errorf("got %v, %v, want %d entries", left, err, entries)
			}
		})
	}
}

// What another tool writes while the file is being replaced isn't lost.
func TestEditKeepsWhatIsWrittenMeanwhile(t *testing.T) {
	t.Parallel()
	path := file(t, "config.json", "old")
	must(t, Edit(path, func(content []byte) ([]byte, error) {
		if string(content) == "old" {
			must(t, os.WriteFile(path, []byte("theirs"), 0o600))
		}
		return append(content, " and ours"...), nil
	}))
	holds(t, path, "theirs and ours")
}

// holds checks the content of a file that is alone in its directory.
func holds(t *testing.T, path, want string) {
	t.Helper()
	got, err := os.ReadFile(path)
	must(t, err)
	if string(got) != want {
		t.Errorf("got content %q, want %q", got, want)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	must(t, err)
	if len(left) != 1 {
		t.Errorf("got %v, want the file alone", left)
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
