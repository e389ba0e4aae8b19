package quota

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/gofrs/flock"
)

const (
	childMode   = "QUOTA_TEST_MODE"
	childDir    = "QUOTA_TEST_DIR"
	childServer = "QUOTA_TEST_SERVER"
	childCaller = "QUOTA_TEST_CALLER"
	childCalls  = "QUOTA_TEST_CALLS"

	processLimit   = 10
	processReaders = 2
)

// modes are what this program does as another process of its own tests.
var modes = map[string]func(dir string) error{
	"call": callAll,
	"hold": holdLock,
}

func TestMain(m *testing.M) {
	mode, ok := modes[os.Getenv(childMode)]
	if !ok {
		os.Exit(m.Run())
	}
	if err := mode(os.Getenv(childDir)); err != nil {
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

func openAsChild(dir string, log io.Writer) *Quota {
	return Open(Config{Dir: dir, Name: "cas", Places: processLimit, Logger: slog.New(slog.NewTextHandler(log, nil))})
}

// callAll makes calls from several readers of one process, each as soon as it has a place, once stdin ends.
func callAll(dir string) error {
	ctx := context.Background()
	calls, err := strconv.Atoi(os.Getenv(childCalls))
	if err != nil {
		return err
	}
	q := openAsChild(dir, os.Stderr)
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	errs := make([]error, processReaders)
	var readers sync.WaitGroup
	for i := range errs {
		readers.Go(func() {
			for range calls {
				place := q.await(ctx)
				errs[i] = errors.Join(errs[i], call(ctx, os.Getenv(childServer), os.Getenv(childCaller)))
				place.Release()
			}
		})
	}
	readers.Wait()
	Flush(ctx)
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
	_, err = bufio.NewReader(conn).ReadString('\n')
	return err
}

// holdLock holds the lock until stdin ends, as a process that was stopped in the middle of an exchange.
func holdLock(dir string) error {
	lock := flock.New(openAsChild(dir, os.Stderr).file.path())
	if err := lock.Lock(); err != nil {
		return err
	}
	fmt.Println("locked")
	_, err := io.Copy(io.Discard, os.Stdin)
	return errors.Join(err, lock.Close())
}

// Real processes that all begin at one instant, some of them killed while they hold places and maybe while they write:
// no more than the limit arrives in any second, and the others finish. The service notes an arrival before it answers it, so
// a slow machine never makes two look closer than they were.
func TestProcesses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ survivors, victims, calls int }{
		"some are killed": {survivors: 4, victims: 2, calls: 3},
		"a crowd":         {survivors: 30, victims: 0, calls: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			var server service
			var mu sync.Mutex
			var processes []*exec.Cmd
			calls := make([]int, test.victims+test.survivors)
			serve := func(conn net.Conn) {
				defer conn.Close()
				var caller int
				if _, err := fmt.Fscanln(conn, &caller); err != nil {
					return
				}
				server.arrive(caller)
				mu.Lock()
				defer mu.Unlock()
				calls[caller]++
				if caller < test.victims && calls[caller] > processReaders {
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

			var starts []io.Closer
			mu.Lock()
			for i := range calls {
				cmd := child(t, "call", dir, childServer+"="+listener.Addr().String(), childCaller+"="+strconv.Itoa(i),
					childCalls+"="+strconv.Itoa(test.calls))
				start, err := cmd.StdinPipe()
				if err != nil {
					t.Fatal(err)
				}
				cmd.Stdout = os.Stderr
				starts, processes = append(starts, start), append(processes, cmd)
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
			}
			mu.Unlock()
			for _, start := range starts {
				_ = start.Close()
			}
			for i, process := range processes {
				if err, survives := process.Wait(), i >= test.victims; (err == nil) != survives {
					t.Errorf("process %d: got %v, want it to survive: %t", i, err, survives)
				}
			}
			_ = listener.Close()
			group.Wait()

			if got := server.maximum(all); got > processLimit {
				t.Errorf("got %d calls in a second, want at most %d", got, processLimit)
			}
			for i, got := range calls[test.victims:] {
				if want := processReaders * test.calls; got != want {
					t.Errorf("survivor %d: got %d calls, want %d", i, got, want)
				}
			}

			// Whoever ended has told the others what it gave back.
			for _, e := range read(t, openAsChild(dir, io.Discard).file) {
				if left := time.Until(time.Unix(0, e.Until)); left > window && test.victims == 0 {
					t.Errorf("got %+v, which is left for %v, want a second at most", e, left)
				}
			}
		})
	}
}

// A process that was stopped while it had the lock holds up others for a moment, and for no longer than it is stopped.
func TestLockIsHeld(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := open(t, dir, processLimit)
	p.file = openAsChild(dir, io.Discard).file
	p.await(t.Context()).Release()
	cmd := child(t, "hold", dir)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "locked\n" {
		t.Fatalf("got %q, %v, want %q", line, err, "locked\n")
	}
	p.await(t.Context())
	p.want(t, 0)
	p.warned(t, errHung.Error())

	_ = stdin.Close()
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	for range processLimit - 1 {
		p.await(t.Context())
	}
	p.want(t, 0)
}
