package credential

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"time"

	"github.com/kballard/go-shellquote"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/userfile"
)

// external runs p's command in Terraform's process group, so that it may prompt its user at the
// terminal, and gets the group's signals. The end of ctx kills it, but not what it has started.
func (p profile) external(ctx context.Context, _ *fetcher) (Credentials, error) {
	args, err := splitCommand(p.ProcessCommand, runtime.GOOS == "windows")
	if err != nil {
		return Credentials{}, fmt.Errorf("process_command: %w", err)
	}
	const limit = time.Minute
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("it didn't end within %s", limit))
	defer cancel()
	run := exec.CommandContext(ctx, args[0], args[1:]...) //nolint:gosec // the user's own command
	var stdout bounded
	run.Stdout = &stdout
	run.WaitDelay = time.Second // processes in the background may keep stdout open
	err = run.Run()
	switch _, failed := errors.AsType[*exec.ExitError](err); {
	case err == nil, errors.Is(err, exec.ErrWaitDelay):
		return parseExternal(stdout)
	case len(stdout) > userfile.MaxSize:
		err = fmt.Errorf("its output: %w", userfile.ErrTooLarge)
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	case failed:
		const hint = "run it in a terminal to see why: what it writes to stderr isn't shown, as it may hold secrets"
		err = fmt.Errorf("%w; %s", err, hint)
	}
	// It isn't temporary: a command that fails would fail again, or prompt its user again.
	return Credentials{}, fmt.Errorf("run %s: %w", args[0], err)
}

// bounded holds what a command prints, and ends the command that prints too much.
type bounded []byte

func (b *bounded) Write(p []byte) (int, error) {
	if *b = append(*b, p...); len(*b) > userfile.MaxSize {
		return 0, userfile.ErrTooLarge
	}
	return len(p), nil
}

// parseExternal reads the credentials in output, and never quotes it.
func parseExternal(output []byte) (c Credentials, err error) {
	var said struct {
		AccessKey
		Mode       string `json:"mode"`
		Expiration any    `json:"expiration"`
	}
	if json.Unmarshal(output, &said) != nil {
		const text = "its output isn't a JSON object of strings; the command has to print that and nothing else"
		return c, newError(egress.Malformed, text)
	}
	switch mode := strings.ToLower(said.Mode); {
	case mode != "" && mode != "ak" && mode != "ststoken":
		return c, fmt.Errorf("its mode is %q; only AK and StsToken are supported", typeName(said.Mode))
	case mode == "ststoken" && said.Token == "":
		return c, newError(egress.Malformed, "its mode is StsToken, but sts_token is empty")
	}
	text, _ := said.Expiration.(string)
	c.Expiration, _ = time.Parse(time.RFC3339, text) // a time that can't be read counts as unknown, as in the CLI
	c.AccessKeyID, c.AccessKeySecret, c.SecurityToken = said.ID, said.Secret, said.Token
	return c, c.check(time.Time{})
}

// splitCommand splits a command line as the CLI does: as a shell would, but at any white space, and
// it sets no variable. On Windows, only a double quote within double quotes is escaped.
//
// https://github.com/aliyun/aliyun-cli/blob/master/config/command_split.go
func splitCommand(command string, windows bool) ([]string, error) {
	quoted, bare := `\\(?s:.)`, `\\(?s:.)` // what a backslash begins, in double quotes and outside
	if windows {
		quoted, bare = `\\"`, `\\`
	}
	parts := regexp.MustCompile(`'[^']*'|"(` + quoted + `|[^"])*"|` + bare + `|[\s\v\x{85}\p{Z}]`)
	command = parts.ReplaceAllStringFunc(strings.TrimSpace(command), func(s string) string {
		switch {
		case strings.TrimSpace(s) == "":
			return " "
		case windows && s[0] != '\'':
			return strings.NewReplacer(`\"`, `\"`, `\`, `\\`).Replace(s)
		}
		return s
	})
	args, err := shellquote.Split(command)
	switch {
	case err != nil:
		return nil, err
	case len(args) == 0 || args[0] == "":
		return nil, errors.New("it is empty")
	}
	if variable, _, assigned := strings.Cut(args[0], "="); assigned && !strings.ContainsAny(variable, `/\`) {
		const text = "it begins with %s=…, but there is no shell to set a variable: export it before, or begin with env"
		return nil, fmt.Errorf(text, egress.Printable(variable, 100))
	}
	return args, nil
}
