package credential

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestReplaceFile(t *testing.T) {
	t.Parallel()
	path := file(t, "config.json", "old")
	if err := replaceFile(path, []byte("new")); err != nil {
		t.Fatal(err)
	}
	holds(t, path, "new")
}

func TestReplaceFileThatIsAbsent(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	if err := replaceFile(filepath.Join(directory, "config.json"), []byte("new")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want %v", err, fs.ErrNotExist)
	}
	if left, err := os.ReadDir(directory); len(left) > 0 {
		t.Errorf("got %v, %v, want an empty directory", left, err)
	}
}

// holds checks the content of a file that is alone in its directory.
func holds(t *testing.T, path, want string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("got content %q, want %q", got, want)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	if len(left) != 1 {
		t.Errorf("got %v, want the file alone", left)
	}
}
