//go:build unix

package credential

import (
	"os"
	"path/filepath"
	"syscall"
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

// Only root may give a file away; anybody else's file stays their own.
func TestReplaceFileKeepsTheOwner(t *testing.T) {
	t.Parallel()
	path := file(t, "config.json", "old")
	if os.Geteuid() == 0 {
		if err := os.Chown(path, 12345, 54321); err != nil {
			t.Fatal(err)
		}
	}
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := replaceFile(path, []byte("new")); err != nil {
		t.Fatal(err)
	}
	after, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	want, _ := before.Sys().(*syscall.Stat_t)
	got, _ := after.Sys().(*syscall.Stat_t)
	if got.Uid != want.Uid {
		t.Errorf("got owner %d, want %d", got.Uid, want.Uid)
	}
	if got.Gid != want.Gid {
		t.Errorf("got group %d, want %d", got.Gid, want.Gid)
	}
}
