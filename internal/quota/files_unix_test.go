//go:build unix

package quota

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const nobody = 65534

func init() {
	stop = func(p *os.Process, stops bool) error {
		if stops {
			return p.Signal(syscall.SIGSTOP)
		}
		return p.Signal(syscall.SIGCONT)
	}
	allBadFiles["FIFOs"] = badFiles{
		prepare: each(func(t *testing.T, path string) {
			mkdir(t, filepath.Dir(path))
			if err := syscall.Mkfifo(path, 0o600); err != nil {
				t.Fatal(err)
			}
		}),
		reason: "not a regular file", want: []int{1, 1},
	}
	allBadFiles["a link for the directory"] = badFiles{
		prepare: func(t *testing.T, p *process) {
			mkdir(t, filepath.Dir(filepath.Dir(p.path)))
			if err := os.Symlink(t.TempDir(), filepath.Dir(p.path)); err != nil {
				t.Fatal(err)
			}
		},
		reason: "isn't this user's alone", want: []int{3, 3},
	}
	allBadFiles["others can write to the directory"] = badFiles{
		prepare: func(t *testing.T, p *process) {
			write(t, p.file(0), "")
			chmod(t, filepath.Dir(p.path), 0o770)
		},
		reason: "isn't this user's alone", want: []int{3, 3},
	}
	allBadFiles["others can read the directory"] = badFiles{
		prepare: func(t *testing.T, p *process) {
			write(t, p.file(0), "")
			chmod(t, filepath.Dir(p.path), 0o755)
		},
		want: []int{3, 0},
	}
	allBadFiles["directory of another user"] = badFiles{
		prepare: func(t *testing.T, p *process) {
			if os.Geteuid() != 0 {
				p.path = "/quota-v2-"
				return
			}
			write(t, p.file(0), "")
			giveAway(t, filepath.Dir(p.path))
		},
		reason: "remove it if it is another user's", want: []int{3, 3},
	}
	modes["unprivileged"] = func(dir string) error {
		if os.Geteuid() == 0 {
			if err := syscall.Setuid(nobody); err != nil {
				return err
			}
		}
		return takeAll(dir)
	}
	modes["full disk"] = func(dir string) error {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{}); err != nil {
			return err
		}
		return takeAll(dir)
	}
	modes["few open files"] = func(dir string) error {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 32, Max: 32}); err != nil {
			return err
		}
		q := openAsChild(dir)
		for range 20 { // failed attempts
			q.lock = func(*os.File) error { return errLocked }
			_, _ = q.Take()
		}
		q.lock = tryLock
		return takeAll(dir)
	}
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

func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func giveAway(t *testing.T, path string) {
	t.Helper()
	if err := os.Chown(path, nobody, -1); err != nil {
		t.Fatal(err)
	}
}

// What the tests' own process can't show, because it may be root's, and other tests run in it.
func TestLimits(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		mode    string
		prepare func(t *testing.T, q *Quota)
		reason  string
		want    int
	}{
		"directory can't be made": {
			mode: "unprivileged",
			prepare: func(t *testing.T, q *Quota) {
				chmod(t, filepath.Dir(filepath.Dir(q.path)), 0o500)
				_ = os.Remove(filepath.Dir(q.path))
			},
			reason: "permission denied", want: processLimit,
		},
		"read-only directory": {
			mode:    "unprivileged",
			prepare: func(t *testing.T, q *Quota) { chmod(t, filepath.Dir(q.path), 0o500) },
			reason:  "permission denied", want: 1,
		},
		"read-only files": {
			mode: "unprivileged",
			prepare: func(t *testing.T, q *Quota) {
				for number := range processLimit {
					write(t, fmt.Sprint(q.path, number), "")
					chmod(t, fmt.Sprint(q.path, number), 0o400)
				}
			},
			reason: "permission denied", want: 1,
		},
		"full disk":      {mode: "full disk", prepare: func(*testing.T, *Quota) {}, reason: "file too large", want: 1},
		"few open files": {mode: "few open files", prepare: func(*testing.T, *Quota) {}, want: processLimit},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			parent := t.TempDir()
			dir := filepath.Join(parent, "terraform-provider-cas")
			mkdir(t, dir)
			q := openAsChild(dir)
			test.prepare(t, q)
			if test.mode == "unprivileged" && os.Geteuid() == 0 {
				giveAway(t, filepath.Dir(parent))
				err := filepath.Walk(parent, func(path string, _ os.FileInfo, _ error) error {
					giveAway(t, path)
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			out, err := child(t, test.mode, dir).Output()
			if err != nil {
				t.Fatalf("got %v, want no error: %s", err, out)
			}
			if warnings := bytes.Count(out, []byte("level=WARN")); warnings != min(len(test.reason), 1) {
				t.Errorf("got %d warnings, want %d: %s", warnings, min(len(test.reason), 1), out)
			}
			if !bytes.Contains(out, []byte(test.reason)) {
				t.Errorf("got %s, want the reason %q", out, test.reason)
			}
			if want := fmt.Sprintf("places: %d\n", test.want); !strings.HasSuffix(string(out), want) {
				t.Errorf("got %s, want %q", out, want)
			}
		})
	}
}
