//go:build unix

package userfile

import (
	"errors"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Only root may change a file's owner; every other user keeps the file.
func TestReplaceFileKeepsOwnerAndLink(t *testing.T) {
	t.Parallel()
	path := file(t, "config.json", "old")
	owner := os.Geteuid()
	if owner == 0 {
		owner = 12345
		must(t, os.Chown(path, owner, 54321))
	}
	must(t, os.Chmod(path, 0o640))
	link := filepath.Join(t.TempDir(), "link.json")
	must(t, os.Symlink(path, link))
	must(t, replaceFile(link, []byte("old"), []byte("new")))
	holds(t, path, "new")
	info, err := os.Stat(path)
	must(t, err)
	if stat, _ := info.Sys().(*syscall.Stat_t); int(stat.Uid) != owner {
		t.Errorf("got owner %d, want %d", stat.Uid, owner)
	}
	if got := info.Mode().Perm(); got != 0o600 {
		t.Errorf("got mode %v, want 0600", got)
	}
	if target, err := os.Readlink(link); target != path {
		t.Errorf("got a link to %q, %v, want one to %q", target, err, path)
	}
}

// A process that may write no more than the file has is as one on a full disk.
func TestFullDiskLosesNothing(t *testing.T) {
	t.Parallel()
	path := file(t, "config.json", strings.Repeat("old ", 300))
	process := exec.CommandContext(t.Context(), os.Args[0])
	process.Env = append(os.Environ(), fullDisk+"="+path)
	if output, err := process.CombinedOutput(); err == nil || !strings.Contains(string(output), "file too large") {
		t.Errorf("got %q, %v, want an error of a file that is too large", output, err)
	}
	holds(t, path, strings.Repeat("old ", 300))
}

// fullDisk names the variable with the file into which another process of this test writes more
// than fits.
const fullDisk = "USERFILE_TEST_FULL_DISK"

func init() {
	if path := os.Getenv(fullDisk); path != "" {
		signal.Ignore(syscall.SIGXFSZ)
		err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 2000, Max: 2000})
		log.Fatal(errors.Join(err, Edit(path, func([]byte) ([]byte, error) {
			return []byte(strings.Repeat("new ", 1000)), nil
		})))
	}
}
