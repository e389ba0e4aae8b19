//go:build unix

package quota

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"

	"github.com/gofrs/flock"
)

const nobody = 65534

func init() {
	modes["unprivileged"] = func(dir string) error {
		if os.Geteuid() == 0 {
			if err := syscall.Setuid(nobody); err != nil {
				return err
			}
		}
		takeAlone(dir)
		return nil
	}
	modes["full disk"] = func(dir string) error {
		err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{})
		takeAlone(dir)
		return err
	}
	modes["few open files"] = changeOften
}

// takeAlone prints what it logs and how many places it gets.
func takeAlone(dir string) {
	q := openAsChild(dir, os.Stdout)
	n := 0
	for place, _ := q.Take(context.Background()); place != nil; place, _ = q.Take(context.Background()) {
		n++
	}
	fmt.Println("places:", n)
}

// changeOften fails if a change leaves a file open, or if one does that fails.
func changeOften(dir string) error {
	const openFiles = 64
	debug.SetGCPercent(-1) // it would close what was forgotten
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: openFiles, Max: openFiles}); err != nil {
		return err
	}
	f := openAsChild(dir, os.Stdout).file
	keep := func(entries []entry) []entry { return entries }
	for range openFiles {
		if err := f.change(keep); err != nil {
			return err
		}
	}
	f.wait = func(*flock.Flock) error { return syscall.ENOLCK }
	for range openFiles {
		if err := f.change(keep); !errors.Is(err, syscall.ENOLCK) {
			return fmt.Errorf("can't lock: %w", err)
		}
	}
	return nil
}

func TestFilesAreClosed(t *testing.T) {
	t.Parallel()
	if out, err := child(t, "few open files", t.TempDir()).Output(); err != nil {
		t.Errorf("got %v, want no error: %s", err, out)
	}
}

// What no permission of the tests' own user shows, who may be root.
func TestNoWriting(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		mode    string
		prepare func(t *testing.T, f *sharedFile)
		reason  string
		want    int
	}{
		"read-only directory": {
			mode:    "unprivileged",
			prepare: func(t *testing.T, f *sharedFile) { chmod(t, f.dir, 0o500) },
			reason:  "permission denied",
			want:    processLimit,
		},
		"read-only file": {
			mode: "unprivileged",
			prepare: func(t *testing.T, f *sharedFile) {
				write(t, f.path(), "")
				chmod(t, f.path(), 0o400)
			},
			reason: "permission denied",
			want:   1,
		},
		"full disk": {
			mode:    "full disk",
			prepare: func(*testing.T, *sharedFile) {},
			reason:  "file too large",
			want:    1,
		},
		"full disk, file there": {
			mode:    "full disk",
			prepare: func(t *testing.T, f *sharedFile) { write(t, f.path(), "[]") },
			reason:  "file too large",
			want:    1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			file := openAsChild(dir, os.Stderr).file
			test.prepare(t, file)
			if test.mode == "unprivileged" && os.Geteuid() == 0 {
				giveToNobody(t, filepath.Dir(dir))
				giveToNobody(t, dir)
				if file.exists() {
					giveToNobody(t, file.path())
				}
			}
			before, _ := os.ReadFile(file.path())
			out, err := child(t, test.mode, dir).Output()
			if err != nil {
				t.Fatalf("got %v, want no error: %s", err, out)
			}
			if bytes.Count(out, []byte("level=WARN")) != 1 {
				t.Errorf("got %s, want one warning", out)
			}
			if !bytes.Contains(out, []byte(test.reason)) {
				t.Errorf("got %s, want the reason %q", out, test.reason)
			}
			if want := fmt.Sprintf("places: %d\n", test.want); !strings.HasSuffix(string(out), want) {
				t.Errorf("got %s, want %q", out, want)
			}
			if after, _ := os.ReadFile(file.path()); !bytes.Equal(after, before) {
				t.Errorf("got %q in the file, want %q as before", after, before)
			}
		})
	}
}

func giveToNobody(t *testing.T, path string) {
	t.Helper()
	if err := os.Chown(path, nobody, -1); err != nil {
		t.Fatal(err)
	}
}
