package quota

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
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

const processLimit, processCalls = 10, 3

// modes are what this program does as another process of its own tests.
var modes = map[string]func(dir string) error{"call": callAll}

func TestMain(m *testing.M) {
	mode, ok := modes[os.Getenv("QUOTA_TEST_MODE")]
	if !ok {
		os.Exit(m.Run())
	}
	if err := mode(os.Getenv("QUOTA_TEST_DIR")); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func child(t *testing.T, mode, dir string, env ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), append(env, "QUOTA_TEST_MODE="+mode, "QUOTA_TEST_DIR="+dir)...)
	cmd.Stderr = os.Stderr
	return cmd
}

func openAsChild(dir string) *Quota {
	return Open(dir, "cas", processLimit, slog.New(slog.NewTextHandler(os.Stdout, nil)))
}

// callAll makes calls, each as soon as it has a place.
func callAll(dir string) error {
	q := openAsChild(dir)
	for range processCalls {
		place := await(q)
		var noted [8]byte
		_, _ = place.file.ReadAt(noted[:], 0)
		conn, err := new(net.Dialer).DialContext(context.Background(), "tcp", os.Getenv("SERVER"))
		if err == nil {
			_, _ = fmt.Fprintln(conn, os.Getenv("CALLER"), binary.BigEndian.Uint64(noted[:]))
			_, err = bufio.NewReader(conn).ReadString('\n')
		}
		if err != nil {
			return err
		}
		place.Release()
	}
	q.Close()
	return nil
}

// stops stop a process and let it go on, on platforms that can.
var stops []os.Signal

// Of thirty processes, some are killed during a call, which counts from when it left then, and some
// are stopped: no more than the limit arrives in any second, and the others finish. The service
// notes an arrival before it responds, so a slow machine makes no two look closer than they were.
//
//nolint:paralleltest // a fork keeps the locks of other tests until it has become another program
func TestProcesses(t *testing.T) {
	const count, killed, stopped = 30, 5, 10
	dir := t.TempDir()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	server, processes := new(service), [count]*exec.Cmd{}
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
	for i := range count {
		cmd := child(t, "call", dir, "SERVER="+listener.Addr().String(), "CALLER="+strconv.Itoa(i))
		cmd.Stdout = os.Stderr
		must(t, cmd.Start())
		processes[i] = cmd
	}
	close(started)
	for i, process := range processes {
		ended := make(chan struct{})
		ends.Go(func() {
			defer close(ended)
			if err := process.Wait(); (err == nil) != (i >= killed) {
				t.Errorf("process %d: got %v, want it to survive: %t", i, err, i >= killed)
			}
		})
		if stops == nil || i < killed || i >= killed+stopped {
			continue
		}
		group.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-ended:
					return
				case <-time.After(rand.N(time.Second)):
					_ = process.Process.Signal(stops[n%len(stops)])
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
