//go:build unix

package quota

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"
)

const nobody = 65534

func init() {
	stops = []os.Signal{syscall.SIGSTOP, syscall.SIGCONT}
	modes["unprivileged"] = func(dir string) error {
		_ = syscall.Setuid(nobody) // works for root, who can write to everything
		return takeAll(dir)
	}
	modes["full disk"] = func(dir string) error {
		return errors.Join(syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{}), takeAll(dir))
	}
	modes["few open files"] = func(dir string) error {
		debug.SetGCPercent(-1) // it would close what was forgotten
		err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 32, Max: 32})
		q := openAsChild(dir)
		for range 32 {
			q.lock = func(*os.File) error { return errLocked }
			_, _ = q.Take()
		}
		return errors.Join(err, takeAll(dir))
	}

	maps.Copy(allBadFiles, map[string]badFiles{
		"FIFOs": {prepare: each(func(t *testing.T, path string) {
			mkdir(t, filepath.Dir(path))
			must(t, syscall.Mkfifo(path, 0o600))
		}), reason: "not a regular file", want: []int{1, 1}},
		"a link for the directory": {prepare: func(t *testing.T, p *process) {
			mkdir(t, filepath.Dir(filepath.Dir(p.path)))
			must(t, os.Symlink(t.TempDir(), filepath.Dir(p.path)))
		}, reason: "isn't this user's alone", want: []int{3, 3}},
		"others can write to the directory": {prepare: func(t *testing.T, p *process) {
			write(t, p.file(0), "")
			must(t, os.Chmod(filepath.Dir(p.path), 0o770))
		}, reason: "isn't this user's alone", want: []int{3, 3}},
		"directory of another user": {prepare: func(t *testing.T, p *process) {
			write(t, p.file(0), "")
			if os.Geteuid() != 0 {
				p.path = "/quota-v2-"
				return
			}
			must(t, os.Chown(filepath.Dir(p.path), nobody, -1))
		}, reason: "remove it if it is another user's", want: []int{3, 3}},
	})
}

// takeAll prints what the process logs, and how many places it gets.
func takeAll(dir string) error {
	q, n := openAsChild(dir), 0
	for place, _ := q.Take(); place != nil; place, _ = q.Take() {
		n++
	}
	fmt.Println("places:", n)
	return nil
}

// These cases need a process of their own, because that of the tests may be root's, and other tests
// run in it.
//
//nolint:paralleltest // as TestProcesses
func TestPlacesOfARestrictedProcess(t *testing.T) {
	nothing := func(*testing.T, *Quota) {}
	for name, test := range map[string]struct {
		mode    string
		prepare func(t *testing.T, q *Quota)
		reason  string
		want    int
	}{
		"directory can't be made": {mode: "unprivileged", prepare: func(t *testing.T, q *Quota) {
			must(t, os.Remove(filepath.Dir(q.path)))
			must(t, os.Chmod(filepath.Dir(filepath.Dir(q.path)), 0o500))
		}, reason: "permission denied", want: processLimit},
		"read-only files": {mode: "unprivileged", prepare: func(t *testing.T, q *Quota) {
			for number := range processLimit {
				write(t, fmt.Sprint(q.path, number), "")
				must(t, os.Chmod(fmt.Sprint(q.path, number), 0o400))
			}
		}, reason: "permission denied", want: 1},
		"full disk":      {mode: "full disk", prepare: nothing, reason: "file too large", want: 1},
		"few open files": {mode: "few open files", prepare: nothing, want: processLimit},
	} {
		t.Run(name, func(t *testing.T) {
			parent := t.TempDir()
			dir := filepath.Join(parent, "terraform-provider-cas")
			mkdir(t, dir)
			test.prepare(t, openAsChild(dir))
			if test.mode == "unprivileged" && os.Geteuid() == 0 {
				must(t, os.Chown(filepath.Dir(parent), nobody, -1))
				must(t, filepath.Walk(parent, func(path string, _ os.FileInfo, _ error) error {
					return os.Chown(path, nobody, -1)
				}))
			}
			out, err := child(t, test.mode, dir).Output()
			if err != nil {
				t.Fatalf("got %v, want no error: %s", err, out)
			}
			if warnings, want := strings.Count(string(out), "level=WARN"), min(len(test.reason), 1); warnings != want {
				t.Errorf("got %d warnings, want %d: %s", warnings, want, out)
			}
			if want := fmt.Sprintf("places: %d\n", test.want); !strings.Contains(string(out), test.reason) ||
				!strings.HasSuffix(string(out), want) {
				t.Errorf("got %s, want the reason %q and %q", out, test.reason, want)
			}
		})
	}
}
