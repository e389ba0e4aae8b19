//go:build unix

package quota

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gofrs/flock"
)

const (
	childMode   = "QUOTA_TEST_MODE"
	childDir    = "QUOTA_TEST_DIR"
	childServer = "QUOTA_TEST_SERVER"
	childCaller = "QUOTA_TEST_CALLER"

	nobody = 65534

	processLimit   = 10
	processReaders = 2
	processCalls   = 3 // of each reader
)

// TestMain makes this program the other processes of its own tests.
func TestMain(m *testing.M) {
	dir := os.Getenv(childDir)
	var err error
	switch os.Getenv(childMode) {
	case "":
		os.Exit(m.Run())
	case "call":
		err = callAll(dir, os.Getenv(childServer), os.Getenv(childCaller))
	case "unprivileged":
		if os.Geteuid() == 0 {
			err = syscall.Setuid(nobody)
		}
		takeAlone(dir)
	case "full disk":
		err = syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{})
		takeAlone(dir)
	case "few open files":
		err = exchangeOften(dir)
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

// child prepares a process of the mode.
func child(t *testing.T, mode, dir string, env ...string) *exec.Cmd {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Env = append(os.Environ(), append(env, childMode+"="+mode, childDir+"="+dir)...)
	cmd.Stderr = os.Stderr
	return cmd
}

// takeAlone prints what it logs and how many places it gets.
func takeAlone(dir string) {
	q := open(dir, processLimit)
	q.logger = slog.New(slog.NewTextHandler(os.Stdout, nil))
	places, _ := takeAll(q)
	places[0].Release()
	fmt.Println("places:", len(places))
}

// exchangeOften fails if an exchange leaves a file open, or if one does that fails.
func exchangeOften(dir string) error {
	const openFiles = 64
	debug.SetGCPercent(-1) // it would close what was forgotten
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: openFiles, Max: openFiles}); err != nil {
		return err
	}
	q := open(dir, 1)
	for range openFiles {
		if err := q.exchange(func(time.Time, []lease) {}); err != nil {
			return err
		}
	}
	lock := flock.New(q.file.path())
	if _, err := lock.TryLock(); err != nil {
		return err
	}
	for range openFiles {
		if _, err := q.file.lock(); !errors.Is(err, errBusy) {
			return fmt.Errorf("locked by another: %w", err)
		}
	}
	return nil
}

func TestFilesAreClosed(t *testing.T) {
	t.Parallel()
	if out, err := child(t, "few open files", t.TempDir()).Output(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// What no permission of the tests' own user shows, who may be root.
func TestNoWriting(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		mode    string
		prepare func(t *testing.T, f *sharedFile)
		reason  string
	}{
		"read-only folder": {"unprivileged", func(t *testing.T, f *sharedFile) { chmod(t, f.dir, 0o500) }, "permission denied"},
		"read-only file": {"unprivileged", func(t *testing.T, f *sharedFile) {
			write(t, f.path(), "")
			chmod(t, f.path(), 0o400)
		}, "permission denied"},
		"full disk": {"full disk", func(*testing.T, *sharedFile) {}, "file too large"},
		"full disk, file there": {"full disk", func(t *testing.T, f *sharedFile) {
			write(t, f.path(), "")
		}, "file too large"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			file := open(dir, processLimit).file
			test.prepare(t, file)
			if test.mode == "unprivileged" && os.Geteuid() == 0 {
				giveToNobody(t, filepath.Dir(dir))
				giveToNobody(t, dir)
				if _, err := os.Lstat(file.path()); err == nil {
					giveToNobody(t, file.path())
				}
			}
			out, err := child(t, test.mode, dir).Output()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			if bytes.Count(out, []byte("level=WARN")) != 1 || !bytes.Contains(out, []byte(test.reason)) ||
				!strings.HasSuffix(string(out), fmt.Sprintf("places: %d\n", processLimit)) {
				t.Errorf("want one warning (%s) and %d places, got\n%s", test.reason, processLimit, out)
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

// callAll makes calls from several readers of one process, each as soon as it has a place.
func callAll(dir, server, caller string) error {
	q := open(dir, processLimit)
	q.logger = slog.New(slog.NewTextHandler(os.Stderr, nil))
	errs := make([]error, processReaders)
	var readers sync.WaitGroup
	for i := range errs {
		readers.Go(func() {
			for range processCalls {
				// Longer than the test: when a killed holder's place is free again is shown in virtual time.
				place := await(q, time.Minute)
				errs[i] = errors.Join(errs[i], call(context.Background(), server, caller))
				place.Release()
			}
		})
	}
	readers.Wait()
	return errors.Join(errs...)
}

// call says who calls, and waits for the answer.
func call(ctx context.Context, server, caller string) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", server)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := fmt.Fprintln(conn, caller); err != nil {
		return err
	}
	var answer string
	_, err = fmt.Fscanln(conn, &answer)
	return err
}

// Real processes, some of them killed while they hold places and maybe while they write: no more than the limit arrives
// in any second, and the others finish. The service notes an arrival before it answers it, so a slow machine never makes
// two look closer than they were.
func TestProcesses(t *testing.T) {
	t.Parallel()
	const survivors, victims = 4, 2
	dir := t.TempDir()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}

	var server service
	var mu sync.Mutex
	var processes []*exec.Cmd
	calls := make([]int, victims+survivors)
	serve := func(conn net.Conn) {
		defer conn.Close()
		var caller int
		if _, err := fmt.Fscanln(conn, &caller); err != nil {
			return
		}
		server.arrive()
		mu.Lock()
		defer mu.Unlock()
		calls[caller]++
		if caller < victims && calls[caller] > processReaders {
			_ = processes[caller].Process.Kill()
			return
		}
		_, _ = fmt.Fprintln(conn, "done")
	}
	var group sync.WaitGroup
	group.Go(func() {
		for conn, err := listener.Accept(); err == nil; conn, err = listener.Accept() {
			group.Go(func() { serve(conn) })
		}
	})

	mu.Lock()
	for i := range calls {
		cmd := child(t, "call", dir, childServer+"="+listener.Addr().String(), childCaller+"="+strconv.Itoa(i))
		cmd.Stdout = os.Stderr
		processes = append(processes, cmd)
		if err := cmd.Start(); err != nil {
			t.Error(err)
		}
	}
	mu.Unlock()
	for i, process := range processes {
		if err := process.Wait(); (err == nil) != (i >= victims) {
			t.Errorf("process %d: %v", i, err)
		}
	}
	_ = listener.Close()
	group.Wait()

	if got := server.most(); got > processLimit {
		t.Errorf("%d calls arrived in a second, limit %d", got, processLimit)
	}
	for i, got := range calls[victims:] {
		if want := processReaders * processCalls; got != want {
			t.Errorf("survivor %d made %d calls, want %d", i, got, want)
		}
	}
}
