//go:build unix

package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/emptypb"
)

// roles, binary and terminal name variables. The first of the roles is the one that this program
// plays in its own tests; the others are for the programs that it starts, the last of which starts
// the provider, an executable that binary names. terminal names a terminal for the role terminal.
const roles, binary, terminal = "CAS_TEST_ROLES", "CAS_TEST_BINARY", "CAS_TEST_TERMINAL"

func TestMain(m *testing.M) {
	role, next, more := strings.Cut(os.Getenv(roles), " ")
	if role == "" {
		os.Exit(run(m))
	}
	if !more {
		next = "provider"
	}
	cmd := play(next, os.NewFile(3, "life"))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	switch role {
	case "terraform": // reads the output and the log of what it starts, and doesn't end on SIGTERM
		signal.Notify(make(chan os.Signal, 1), syscall.SIGTERM)
		cmd.Stdout, cmd.Stderr = struct{ io.Writer }{os.Stdout}, struct{ io.Writer }{os.Stderr}
	case "nohup":
		signal.Ignore(syscall.SIGHUP)
	case "terminal": // controls the session, because the session's leader opens it
		if _, err := os.OpenFile(os.Getenv(terminal), os.O_RDWR, 0); err != nil {
			panic(err)
		}
	case "launcher": // ends before what it starts
		_ = cmd.Start()
		return
	}
	_ = cmd.Run()
}

func run(m *testing.M) int {
	directory, err := os.MkdirTemp("", "provider")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(directory) }()
	provider := filepath.Join(directory, "terraform-provider-cas")
	build := exec.CommandContext(context.Background(), "go", "build", "-tags", "nethttpomithttp2", "-o", provider, ".")
	if output, err := build.CombinedOutput(); err != nil {
		panic(string(output))
	}
	if err := os.Setenv(binary, provider); err != nil {
		panic(err)
	}
	return m.Run()
}

// play returns a command that plays these roles. File 3 of each of its processes, including the
// provider and its commands, is life.
func play(as string, life *os.File) *exec.Cmd {
	cmd := exec.CommandContext(context.Background(), os.Args[0])
	if name, args, _ := strings.Cut(as, " "); name == "provider" {
		cmd = exec.CommandContext(context.Background(), os.Getenv(binary), strings.Fields(args)...)
	}
	cmd.Env = append(os.Environ(), roles+"="+as)
	cmd.ExtraFiles = []*os.File{life}
	return cmd
}

// played is a running play, seen from outside.
type played struct {
	*exec.Cmd
	config string // the CLI's file
	stdout io.ReadCloser
	life   *bufio.Reader // reads what commands write, until all processes have ended
	conn   *grpc.ClientConn
}

// start starts a play whose provider uses this profile of the CLI.
func start(t *testing.T, as, profile string, env ...string) *played {
	t.Helper()
	home := t.TempDir()
	r, life, err := os.Pipe()
	must(t, err, r.SetReadDeadline(time.Now().Add(time.Minute)))
	p := &played{Cmd: play(as, life), life: bufio.NewReader(r), config: filepath.Join(home, ".aliyun", "config.json")}
	must(t, os.Mkdir(filepath.Dir(p.config), 0o700),
		os.WriteFile(p.config, []byte(`{"current": "p", "profiles": [{"name": "p", `+profile+`}]}`), 0o600))
	p.Env = append([]string{
		roles + "=" + as, binary + "=" + os.Getenv(binary), "PATH=" + os.Getenv("PATH"), "HOME=" + home,
		"HTTPS_PROXY=http://127.0.0.1:1", "TF_LOG=TRACE", "TMPDIR=" + os.TempDir(), "PLUGIN_PROTOCOL_VERSIONS=6",
		"TF_PLUGIN_MAGIC_COOKIE=d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2",
	}, env...)
	p.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	p.stdout, err = p.StdoutPipe()
	must(t, err, p.Start(), life.Close())
	if output, ok := p.stdout.(*os.File); ok {
		must(t, output.SetReadDeadline(time.Now().Add(time.Minute)))
	}
	t.Cleanup(func() { _, _, _ = syscall.Kill(-p.Process.Pid, syscall.SIGKILL), p.Wait(), r.Close() })
	handshake := regexp.MustCompile(`^1\|6\|unix\|([^|]+)\|grpc\|`)
	if strings.HasSuffix(as, "-debug") {
		handshake = regexp.MustCompile(`TF_REATTACH_PROVIDERS='.*"Network":"unix","String":"([^"]+)"`)
	}
	var socket []string
	for lines := bufio.NewScanner(p.stdout); socket == nil; socket = handshake.FindStringSubmatch(lines.Text()) {
		if !lines.Scan() {
			t.Fatal("got the end of the output, want a handshake")
		}
	}
	p.conn, err = grpc.NewClient("unix:"+socket[1], grpc.WithTransportCredentials(insecure.NewCredentials()))
	must(t, err)
	t.Cleanup(func() { _ = p.conn.Close() })
	must(t, p.call("tfplugin6.Provider/ConfigureProvider", "\x12\x04\x12\x02{}")) // 2: config { 2: json }
	return p
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// call calls a method with the encoded fields of its request, because terraform-plugin-go exports
// no messages.
func (p *played) call(method, fields string) error {
	request := new(emptypb.Empty)
	request.ProtoReflect().SetUnknown([]byte(fields))
	return p.conn.Invoke(context.Background(), "/"+method, request, new(emptypb.Empty))
}

// read has the provider read the data source, which fetches credentials first.
func (p *played) read() {
	go func() { _ = p.call("tfplugin6.Provider/ReadDataSource", "\x0a\x0fcas_asset_count\x12\x04\x12\x02{}") }()
}

// serves checks that the provider serves, over some time.
func (p *played) serves(t *testing.T) {
	t.Helper()
	for range 1000 {
		must(t, p.call("tfplugin6.Provider/GetMetadata", ""))
	}
}

// says returns the next line that a command writes.
func (p *played) says(t *testing.T) string {
	t.Helper()
	line, err := p.life.ReadString('\n')
	must(t, err)
	return strings.TrimSpace(line)
}

// ends checks that all processes end.
func (p *played) ends(t *testing.T) {
	t.Helper()
	if rest, err := io.ReadAll(p.life); err != nil || len(rest) > 0 {
		t.Errorf("got %q, %v, want the end of all processes", rest, err)
	}
}

// external is a profile whose command writes the provider's ID, and doesn't end by itself.
const external = `"mode": "External", "process_command": "sh -c 'echo $PPID >&3; exec sleep 1000'"`

func kill(p *played) { _, _ = p.Process.Kill(), p.Wait() }

func signalGroup(s syscall.Signal) func(*played) {
	return func(p *played) { _ = syscall.Kill(-p.Process.Pid, s) }
}

// endings are the ways to end a play, and its provider with it.
var endings = map[string]struct {
	as  string
	end func(*played)
}{
	"Terraform needs it no longer":  {"terraform", func(p *played) { _ = p.call("plugin.GRPCController/Shutdown", "") }},
	"SIGTERM":                       {"terraform", signalGroup(syscall.SIGTERM)},
	"SIGHUP":                        {"terraform", signalGroup(syscall.SIGHUP)},
	"Terraform is killed":           {"terraform", kill},
	"killed, with a launcher":       {"terraform launcher", kill},
	"killed, with a wrapper":        {"terraform wrapper", kill},
	"killed, with a wrapper's, too": {"terraform wrapper wrapper", kill},
}

func TestCommandEndsWithTheProvider(t *testing.T) {
	t.Parallel()
	for name, test := range endings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, test.as, external)
			p.read()
			p.says(t)
			test.end(p)
			p.ends(t)
		})
	}
}

func TestProviderServesOn(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		as      string
		disturb func(*played)
	}{
		"without its launcher":       {"launcher", func(*played) {}},
		"unread, for a debugger":     {"provider -debug", func(p *played) { _ = p.stdout.Close() }},
		"after a SIGHUP, with nohup": {"nohup terraform", signalGroup(syscall.SIGHUP)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, test.as, external)
			test.disturb(p)
			p.serves(t)
		})
	}
}
