package userfile

import (
	"os"
	"path/filepath"
	"testing"
)

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
			if err := writeFile(path, nil, []byte("new")); err == nil {
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
