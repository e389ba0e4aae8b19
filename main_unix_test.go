//go:build unix

package main

import (
	"bufio"
	"context"
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
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// roles names the variable that says what this program plays in its own tests, and what the
// programs play that it starts. The last of them starts the provider, which was built, and which
// binary names. A play may have a terminal.
const roles, binary, terminal = "CAS_TEST_ROLES", "CAS_TEST_BINARY", "CAS_TEST_TERMINAL"

func TestMain(m *testing.M) {
	role, next, played := strings.Cut(os.Getenv(roles), " ")
	if role == "" {
		os.Exit(run(m))
	}
	if !played {
		next = "provider"
	}
	cmd := play(context.Background(), next, os.NewFile(3, "life"))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	switch role {
	case "terraform": // reads the output and the log of what it starts
		cmd.Stdout, cmd.Stderr = struct{ io.Writer }{os.Stdout}, struct{ io.Writer }{os.Stderr}
	case "nohup":
		signal.Ignore(syscall.SIGHUP)
	case "terminal": // controls the session that it has opened one in
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

// play returns a command that plays these roles. All of them, the provider, and what it starts have
// the file life.
func play(ctx context.Context, as string, life *os.File) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0])
	if name, args, _ := strings.Cut(as, " "); name == "provider" {
		cmd = exec.CommandContext(ctx, os.Getenv(binary), strings.Fields(args)...)
	}
	cmd.Env = append(os.Environ(), roles+"="+as)
	cmd.ExtraFiles = []*os.File{life}
	return cmd
}

// played is a running play, seen from outside.
type played struct {
	*exec.Cmd
	stdout io.ReadCloser
	life   *bufio.Reader // of what the command of an External profile writes; ends once all processes have ended
	conn   *grpc.ClientConn
}

// start starts a play whose provider uses this profile of the CLI.
func start(t *testing.T, as, profile string, env ...string) *played {
	t.Helper()
	home := t.TempDir()
	r, life, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	p := &played{Cmd: play(context.Background(), as, life), life: bufio.NewReader(r)}
	p.Env = append([]string{
		roles + "=" + as, binary + "=" + os.Getenv(binary), "PATH=" + os.Getenv("PATH"), "HOME=" + home,
		"HTTPS_PROXY=http://127.0.0.1:1", "TF_LOG=TRACE", "TMPDIR=" + os.TempDir(), "PLUGIN_PROTOCOL_VERSIONS=6",
		"TF_PLUGIN_MAGIC_COOKIE=d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2",
	}, env...)
	p.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if p.stdout, err = p.StdoutPipe(); err == nil {
		err = r.SetReadDeadline(time.Now().Add(time.Minute))
	}
	if err == nil {
		err = os.Mkdir(filepath.Join(home, ".aliyun"), 0o700)
	}
	if err == nil {
		err = os.WriteFile(p.config(), []byte(`{"current": "p", "profiles": [{"name": "p", `+profile+`}]}`), 0o600)
	}
	if err == nil {
		err = p.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = syscall.Kill(-p.Process.Pid, syscall.SIGKILL), p.Wait() })
	_ = life.Close()
	socket := regexp.MustCompile(`/[^|"]*plugin\d+`)
	for lines := bufio.NewScanner(p.stdout); p.conn == nil; {
		if !lines.Scan() {
			t.Fatal("got no socket on standard output")
		}
		if path := socket.FindString(lines.Text()); path != "" {
			p.conn, err = grpc.NewClient("unix:"+path, grpc.WithTransportCredentials(insecure.NewCredentials()))
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.conn.Close() })
	p.call(t, "ConfigureProvider", `{"config": {"json": "e30="}}`)
	return p
}

func (p *played) config() string {
	return filepath.Join(strings.TrimPrefix(p.Env[3], "HOME="), ".aliyun", "config.json")
}

// call calls a method of the plugin protocol, whose messages terraform-plugin-go doesn't export.
func (p *played) call(t *testing.T, method, request string) {
	t.Helper()
	if err := p.try(t.Context(), method, request); err != nil {
		t.Errorf("%s: got %v, want a response", method, err)
	}
}

func (p *played) try(ctx context.Context, method, request string) error {
	in, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName("tfplugin6." + method + ".Request"))
	if err != nil {
		return err
	}
	out, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName("tfplugin6." + method + ".Response"))
	if err != nil {
		return err
	}
	message := in.New().Interface()
	if err := protojson.Unmarshal([]byte(request), message); err != nil {
		return err
	}
	return p.conn.Invoke(ctx, "/tfplugin6.Provider/"+method, message, out.New().Interface())
}

// read has the provider read the data source, which fetches credentials first.
func (p *played) read(t *testing.T) {
	go func() {
		_ = p.try(t.Context(), "ReadDataSource", `{"typeName": "cas_asset_count", "config": {"json": "e30="}}`)
	}()
}

// serves checks that the provider serves, over some time.
func (p *played) serves(t *testing.T) {
	t.Helper()
	for range 1000 {
		p.call(t, "GetMetadata", "{}")
	}
}

// says returns the next line that the command of an External profile writes.
func (p *played) says(t *testing.T) string {
	t.Helper()
	line, err := p.life.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
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

func TestProviderEndsWithTerraform(t *testing.T) {
	t.Parallel()
	for name, as := range map[string]string{
		"alone":                  "terraform",
		"with a launcher":        "terraform launcher",
		"with a wrapper":         "terraform wrapper",
		"with a wrapper of both": "terraform wrapper wrapper",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, as, external)
			p.read(t)
			p.says(t)
			if err := p.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			p.ends(t)
		})
	}
}

// A provider whose starter has ended serves for as long as its output is read, and a debugger's
// provider after that.
func TestProviderOutlivesItsLauncher(t *testing.T) {
	t.Parallel()
	for name, as := range map[string]string{"launcher": "launcher", "debugger": "provider -debug"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, as, external)
			p.serves(t)
			if err := p.stdout.Close(); err != nil {
				t.Fatal(err)
			}
			if name == "debugger" {
				p.serves(t)
				if err := p.Process.Signal(os.Interrupt); err != nil {
					t.Fatal(err)
				}
			}
			p.ends(t)
		})
	}
}
