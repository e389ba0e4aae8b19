package quota

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"
	"time"
)

const (
	childMode   = "QUOTA_TEST_MODE"
	childDir    = "QUOTA_TEST_DIR"
	childServer = "QUOTA_TEST_SERVER"
	childCaller = "QUOTA_TEST_CALLER"

	processLimit = 10
	processCalls = 3
)

// modes are what this program does as another process of its own tests.
var modes = map[string]func(dir string) error{"call": callAll}

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

func openAsChild(dir string) *Quota {
	return Open(Config{Dir: dir, Name: "cas", Places: processLimit, Logger: slog.New(slog.NewTextHandler(os.Stdout, nil))})
}

// callAll makes calls, each as soon as it has a place, once stdin ends.
func callAll(dir string) error {
	q := openAsChild(dir)
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	for range processCalls {
		place := await(q)
		note := make([]byte, 8)
		_, err := place.file.ReadAt(note, 0)
		conn, err2 := net.Dial("tcp", os.Getenv(childServer))
		if err := errors.Join(err, err2); err != nil {
			return err
		}
		_, err = fmt.Fprintln(conn, os.Getenv(childCaller), binary.BigEndian.Uint64(note))
		_, err2 = bufio.NewReader(conn).ReadString('\n')
		if err = errors.Join(err, err2, conn.Close()); err != nil {
			return err
		}
		place.Release()
		for err == nil { // until the file is closed, because this process may end before
			_, err = place.file.Stat()
		}
	}
	return nil
}

// stop stops a process or lets it go on; nil where a process can't be stopped.
var stop func(p *os.Process, stops bool) error

// Thirty processes begin at one instant, some are killed during a call, and some stopped at any time: no more than the
// limit arrives in any second, and the others finish. The service notes an arrival before it responds, so a slow machine
// makes no two look closer than they were; a call that was killed counts from when it left.
func TestProcesses(t *testing.T) {
	t.Parallel()
	const count, killed, stopped = 30, 5, 10
	dir := t.TempDir()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var server service
	var processes [count]*exec.Cmd
	started := make(chan struct{})
	serve := func(conn net.Conn) {
		defer conn.Close()
		var caller int
		var noted int64
		if _, err := fmt.Fscanln(conn, &caller, &noted); err != nil {
			return
		}
		<-started
		if caller < killed {
			server.arrive(caller, time.Unix(0, noted))
			_ = processes[caller].Process.Kill()
			return
		}
		server.arrive(caller, time.Unix(0, time.Now().UnixNano()))
		_, _ = fmt.Fprintln(conn, "done")
	}
	var group, ends sync.WaitGroup
	group.Go(func() {
		for conn, err := listener.Accept(); err == nil; conn, err = listener.Accept() {
			group.Go(func() { serve(conn) })
		}
	})
	var starts [count]io.Closer
	for i := range count {
		cmd := child(t, "call", dir, childServer+"="+listener.Addr().String(), childCaller+"="+strconv.Itoa(i))
		if starts[i], err = cmd.StdinPipe(); err != nil {
			t.Fatal(err)
		}
		cmd.Stdout = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		processes[i] = cmd
	}
	close(started)
	for _, start := range starts {
		_ = start.Close()
	}
	for i, process := range processes {
		ended := make(chan struct{})
		ends.Go(func() {
			defer close(ended)
			if err := process.Wait(); (err == nil) != (i >= killed) {
				t.Errorf("process %d: got %v, want it to survive: %t", i, err, i >= killed)
			}
		})
		if stop == nil || i < killed || i >= killed+stopped {
			continue
		}
		group.Go(func() {
			for stops := true; ; stops = !stops {
				select {
				case <-ended:
					return
				case <-time.After(rand.N(time.Second)):
					_ = stop(process.Process, stops)
				}
			}
		})
	}
	ends.Wait()
	_ = listener.Close()
	group.Wait()
	if got := server.maximum(all); got > processLimit {
		t.Errorf("got %d calls in a second, want at most %d", got, processLimit)
	}
	if got, want := len(server.arrivals), killed+(count-killed)*processCalls; got != want {
		t.Errorf("got %d calls, want %d", got, want)
	}
}
