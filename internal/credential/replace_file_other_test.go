//go:build !windows

package credential

import (
	"os"
	"path/filepath"
	"testing"
)

func TestReplaceFileKeepsModeAndLink(t *testing.T) {
	t.Parallel()
	path := file(t, "config.json", "old")
	const want = os.FileMode(0o640)
	if err := os.Chmod(path, want); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link.json")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if err := replaceFile(link, []byte("new")); err != nil {
		t.Fatal(err)
	}
	holds(t, path, "new")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != want {
		t.Errorf("got mode %v, want %v", got, want)
	}
	if target, err := os.Readlink(link); target != path {
		t.Errorf("got a link to %q, %v, want one to %q", target, err, path)
	}
}
