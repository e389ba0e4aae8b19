//go:build unix

package quota

import (
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
)

func TestBadFileUnix(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]badFile{
		"a symbolic link in the directory's place": {prepare: func(t *testing.T, f *sharedFile) {
			symlink(t, t.TempDir(), f.dir)
		}, reason: "not a directory", want: badFilePlaces},
		"directory that others can write to": {prepare: func(t *testing.T, f *sharedFile) {
			write(t, f.path(), "")
			chmod(t, f.dir, 0o770)
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
