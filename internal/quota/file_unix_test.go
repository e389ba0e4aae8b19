//go:build unix

package quota

import (
	"bytes"
	"errors"
	"math"
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
		}, reason: "not a regular file", want: 1},
		"a symbolic link in its place": {prepare: func(t *testing.T, f *sharedFile) {
			target := filepath.Join(t.TempDir(), "target")
			write(t, target)
			symlink(t, target, f.path())
		}, reason: "not a regular file", want: 1},
		"a symbolic link to nothing": {prepare: func(t *testing.T, f *sharedFile) {
			target := filepath.Join(t.TempDir(), "target")
			symlink(t, target, f.path())
			t.Cleanup(func() {
				if _, err := os.Lstat(target); err == nil {
					t.Error("made a file where the link points to")
				}
			})
		}, reason: "not a regular file", want: 1},
		"a symbolic link in the directory's place": {prepare: func(t *testing.T, f *sharedFile) {
			symlink(t, t.TempDir(), f.dir)
		}, reason: "not a directory", want: badFilePlaces},
		"directory that others can write to": {prepare: func(t *testing.T, f *sharedFile) {
			write(t, f.path(), "")
			chmod(t, f.dir, 0o770)
		}, reason: "writable by other users", want: 1},
		"file that others can write to": {prepare: func(t *testing.T, f *sharedFile) {
			write(t, f.path(), "")
			chmod(t, f.path(), 0o602)
		}, reason: "writable by other users", want: 1},
		"directory of another user": {prepare: func(t *testing.T, f *sharedFile) {
			f.dir = foreign(t, f.dir)
		}, reason: "owned by another user", want: badFilePlaces},
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

// foreign gives the directory to somebody else, which takes root; everybody else has the root directory for it.
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
	dir := filepath.Join(t.TempDir(), "cache", "terraform-provider-cas")
	synctest.Test(t, func(t *testing.T) {
		p := open(t, dir, 3)
		p.want(t, 3)
		for path, want := range map[string]os.FileMode{filepath.Dir(dir): 0o700, dir: 0o700, p.file.path(): 0o600} {
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if got := info.Mode().Perm(); got != want {
				t.Errorf("%s: got %v, want %v", path, got, want)
			}
		}
	})
}

// What is locked and what is read and written must be what others find.
func TestFileReplaced(t *testing.T) {
	t.Parallel()
	for name, replace := range map[string]func(t *testing.T, path string){
		"removed":  func(*testing.T, string) {},
		"replaced": func(t *testing.T, path string) { write(t, path, "") },
	} {
		for when, before := range map[string]bool{"before it is locked": true, "after it was locked": false} {
			dir := t.TempDir()
			t.Run(name+" "+when, func(t *testing.T) {
				t.Parallel()
				f := open(t, dir, 1).file
				times := 1
				f.wait = func(lock *flock.Flock) error {
					if !before {
						if err := lock.Lock(); err != nil {
							return err
						}
					}
					if times > 0 {
						times--
						remove(t, f.path())
						replace(t, f.path())
					}
					return lock.Lock()
				}
				if err := f.change(func([]entry) []entry { return []entry{{Holder: "A"}} }); err != nil {
					t.Fatal(err)
				}
				data, err := os.ReadFile(f.path())
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Contains(data, []byte(`"holder":"A"`)) {
					t.Errorf("got %q, want what was written", data)
				}
				times = math.MaxInt32
				if err := f.change(nil); !errors.Is(err, errReplaced) {
					t.Errorf("replaced each time: got %v, want %v", err, errReplaced)
				}
			})
		}
	}
}
