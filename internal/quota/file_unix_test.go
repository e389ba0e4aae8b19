//go:build unix

package quota

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/gofrs/flock"
)

func TestBadFileUnix(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]badFile{
		// Opening it would wait for a writer.
		"a pipe in its place": {prepare: func(t *testing.T, f *sharedFile) {
			write(t, f.path())
			if err := os.Remove(f.path()); err != nil {
				t.Fatal(err)
			}
			if err := syscall.Mkfifo(f.path(), 0o600); err != nil {
				t.Fatal(err)
			}
		}, reason: "not a regular file"},
		"a symbolic link in its place": {prepare: func(t *testing.T, f *sharedFile) {
			target := filepath.Join(t.TempDir(), "target")
			write(t, target)
			symlink(t, target, f.path())
		}, reason: "not a regular file"},
		"a symbolic link to nothing": {prepare: func(t *testing.T, f *sharedFile) {
			target := filepath.Join(t.TempDir(), "target")
			symlink(t, target, f.path())
			t.Cleanup(func() {
				if _, err := os.Lstat(target); err == nil {
					t.Error("made a file where the link points to")
				}
			})
		}, reason: "not a regular file"},
		"a symbolic link in the folder's place": {prepare: func(t *testing.T, f *sharedFile) {
			symlink(t, t.TempDir(), f.dir)
		}, reason: "not a folder"},
		"folder that others can write to": {prepare: func(t *testing.T, f *sharedFile) {
			write(t, f.path(), "")
			chmod(t, f.dir, 0o770)
		}, reason: "writable by other users"},
		"file that others can write to": {prepare: func(t *testing.T, f *sharedFile) {
			write(t, f.path(), "")
			chmod(t, f.path(), 0o602)
		}, reason: "writable by other users"},
		"folder of another user": {prepare: func(t *testing.T, f *sharedFile) {
			f.dir = foreign(t, f.dir)
		}, reason: "owned by another user"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, test.run)
		})
	}
}

func symlink(t *testing.T, target, link string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(link), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
}

// foreign gives the folder to somebody else, which takes root; everybody else has the root folder for it.
func foreign(t *testing.T, dir string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		return "/"
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(dir, nobody, -1); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestFilePermissions(t *testing.T) {
	t.Parallel()
	q := open(filepath.Join(t.TempDir(), "cache", "terraform-provider-cas"), 3)
	takeAll(q)
	for path, want := range map[string]os.FileMode{filepath.Dir(q.file.dir): 0o700, q.file.dir: 0o700, q.file.path(): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: got %v, %v; want %v", path, info.Mode(), err, want)
		}
	}
}

// What is locked and what is read and written must be one file.
func TestFileExchangedWhileOpened(t *testing.T) {
	t.Parallel()
	for name, exchange := range map[string]func(t *testing.T, path string){
		"removed":  func(*testing.T, string) {},
		"replaced": func(t *testing.T, path string) { write(t, path, "") },
	} {
		dir := t.TempDir()
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q, other := open(dir, 3), open(dir, 3)
			q.file.tryLock = func(lock *flock.Flock) (bool, error) {
				if err := os.Remove(lock.Path()); err != nil {
					t.Error(err)
				}
				exchange(t, lock.Path())
				return lock.TryLock()
			}
			if place, again := q.takeFor(hold); place != nil || again.IsZero() {
				t.Error("got a place by a file that is gone")
			}
			q.file.tryLock = (*flock.Flock).TryLock
			mine, _ := takeAll(q)
			others, _ := takeAll(other)
			if len(mine) != 3 || len(others) != 0 {
				t.Errorf("then got %d places, the other process %d; want 3 and 0", len(mine), len(others))
			}
		})
	}
}
