//go:build unix

package main

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// roles names the variable that says what this program plays in its own tests, and what the programs play that it starts.
const roles = "CAS_TEST_ROLES"

func TestMain(m *testing.M) {
	role, next, _ := strings.Cut(os.Getenv(roles), " ")
	switch role {
	case "terraform": // reads the output of what it starts
		cmd := play(context.Background(), next)
		cmd.Stdout = nil
		output, err := cmd.StdoutPipe()
		if err != nil || cmd.Start() != nil {
			os.Exit(2)
		}
		_, _ = io.Copy(io.Discard, output)
		_ = cmd.Wait()
	case "wrapper": // stays for as long as what it starts
		_ = play(context.Background(), next).Run()
	case "launcher": // doesn't
		if play(context.Background(), next).Start() != nil {
			os.Exit(2)
		}
	case "provider": // serves its standard input, to standard error
		go exitWhenUnread(os.Stdout)
		_, _ = os.Stderr.WriteString("started\n")
		_, _ = io.Copy(os.Stderr, os.Stdin)
	default:
		os.Exit(m.Run())
	}
}

// play returns a command that plays these roles, with the standard files of this process.
func play(ctx context.Context, as string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), roles+"="+as)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	return cmd
}

// played is a running play, seen from outside.
type played struct {
	cmd            *exec.Cmd
	stdin          *os.File
	stdout, stderr *os.File
	lines          *bufio.Reader // of stderr
}

func start(t *testing.T, as string) *played {
	t.Helper()
	pipe := func() (r, w *os.File) {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _, _ = r.Close(), w.Close() })
		return r, w
	}
	p := &played{cmd: play(t.Context(), as)}
	var stdin, stdout, stderr *os.File // its ends
	stdin, p.stdin = pipe()
	p.stdout, stdout = pipe()
	p.stderr, stderr = pipe()
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = stdin, stdout, stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_, _, _ = stdin.Close(), stdout.Close(), stderr.Close()
	if err := p.stderr.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	p.lines = bufio.NewReader(p.stderr)
	p.says(t, "started\n")
	return p
}

// says checks the next line that the provider writes.
func (p *played) says(t *testing.T, want string) {
	t.Helper()
	if got, err := p.lines.ReadString('\n'); err != nil || got != want {
		t.Fatalf("got %q, %v, want %q", got, err, want)
	}
}

// ends checks that the provider ends, and with it its standard error.
func (p *played) ends(t *testing.T) {
	t.Helper()
	if rest, err := io.ReadAll(p.lines); err != nil || len(rest) > 0 {
		t.Errorf("got %q, %v, want the end of the provider", rest, err)
	}
}

func TestProviderEndsWithTerraform(t *testing.T) {
	t.Parallel()
	for name, as := range map[string]string{
		"alone":                  "terraform provider",
		"with a launcher":        "terraform launcher provider",
		"with a wrapper":         "terraform wrapper provider",
		"with a wrapper of both": "terraform wrapper wrapper provider",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, as)
			if err := p.cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			p.ends(t)
			_ = p.cmd.Wait()
		})
	}
}

// A provider whose starter has ended serves for as long as its output is read.
func TestProviderOutlivesItsLauncher(t *testing.T) {
	t.Parallel()
	p := start(t, "launcher provider")
	if err := p.cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	for range 1000 { // over some time
		if _, err := p.stdin.WriteString("a request\n"); err != nil {
			t.Fatal(err)
		}
		p.says(t, "a request\n")
	}
	if err := p.stdout.Close(); err != nil {
		t.Fatal(err)
	}
	p.ends(t)
}
