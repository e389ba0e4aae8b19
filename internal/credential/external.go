package credential

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"time"
	"unicode"
)

// external runs the command of a CLI profile. The library would do it, but prints the command and its output, secrets and
// all, to stdout when it can't parse the latter, and writes the credentials to the CLI's file.
func external(command string) (fetcher, error) {
	args, err := splitCommand(command, runtime.GOOS == "windows")
	if err != nil {
		return fetcher{}, fmt.Errorf("process_command: %w", err)
	}
	return fetcher{fetch: func(ctx context.Context) (Credentials, error) {
		const limit = time.Minute
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		run := exec.CommandContext(ctx, args[0], args[1:]...) //nolint:gosec // the user's own command, from the user's own file
		var stdout, stderr bounded
		run.Stdout, run.Stderr = &stdout, &stderr
		run.WaitDelay = time.Second // for a child that got away and keeps stdout open
		if err := runWithChildren(run); err != nil {
			switch {
			case stdout.full || stderr.full:
				err = fmt.Errorf("its output: %w", errTooLarge)
			case ctx.Err() != nil:
				err = fmt.Errorf("it didn't end within %s", limit)
			}
			// Not Unavailable: a command that fails would fail again, or ask its user again.
			return Credentials{}, &Error{Kind: Invalid, Err: fmt.Errorf("run %s: %w", args[0], withStderr(err, stderr.said))}
		}
		c, err := parseExternal(stdout.said)
		if err != nil {
			return Credentials{}, &Error{Kind: Malformed, Err: fmt.Errorf("read the output of %s: %w", args[0], err)}
		}
		return c, nil
	}}, nil
}

// bounded holds what a command says, and ends the command that says too much.
type bounded struct {
	said []byte
	full bool
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.full = b.full || len(b.said)+len(p) > maxInput; b.full {
		return 0, errTooLarge
	}
	b.said = append(b.said, p...)
	return len(p), nil
}

// withStderr adds how much the command said, not what: tools that fetch secrets print them when they fail.
func withStderr(err error, stderr []byte) error {
	if len(stderr) == 0 {
		return err
	}
	return fmt.Errorf("%w (its %d bytes on stderr are left out, as they may hold secrets; run it in a terminal to see them)",
		err, len(stderr))
}

func parseExternal(output []byte) (Credentials, error) {
	var answer struct {
		Mode            string `json:"mode"`
		AccessKeyID     string `json:"access_key_id"`
		AccessKeySecret string `json:"access_key_secret"`
		SecurityToken   string `json:"sts_token"`
		Expiration      string `json:"expiration"`
	}
	if err := json.Unmarshal(output, &answer); err != nil {
		return Credentials{}, errors.New("it isn't a JSON object of strings; the command has to print that and nothing else")
	}
	c := Credentials{AccessKeyID: answer.AccessKeyID, AccessKeySecret: answer.AccessKeySecret, SecurityToken: answer.SecurityToken}
	switch sts := strings.EqualFold(answer.Mode, "StsToken"); {
	case answer.Mode != "" && !sts && !strings.EqualFold(answer.Mode, "AK"):
		return Credentials{}, fmt.Errorf("its mode is %q; only AK and StsToken are supported", typeName(answer.Mode))
	case c.AccessKeyID == "" || c.AccessKeySecret == "":
		return Credentials{}, errors.New("access_key_id or access_key_secret is empty")
	case sts && c.SecurityToken == "":
		return Credentials{}, errors.New("mode is StsToken, but sts_token is empty")
	}
	if answer.Expiration != "" {
		at, err := time.Parse(time.RFC3339, answer.Expiration)
		if err != nil {
			return Credentials{}, errors.New("expiration isn't an RFC 3339 time")
		}
		c.Expiration = at
	}
	return c, nil
}

// splitCommand splits a command line as the CLI does: by white space, with quotes and, but for Windows with its paths,
// backslashes as in a POSIX shell.
//
// https://github.com/aliyun/aliyun-cli/blob/master/config/command_split.go
func splitCommand(command string, windows bool) ([]string, error) {
	var args []string
	var word strings.Builder
	var quote rune // the quote that word is in, or 0
	inWord := false
	input := []rune(command)
	for i := 0; i < len(input); i++ {
		r := input[i]
		switch {
		case r == '\\' && quote != '\'' && escapes(input[i+1:], quote, windows):
			i++
			if input[i] != '\n' {
				word.WriteRune(input[i])
				inWord = true
			}
		case r == '\\' && quote == 0 && !windows:
			return nil, errors.New("it ends in a backslash")
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '"' || r == '\''):
			quote, inWord = r, true
		case quote == 0 && unicode.IsSpace(r):
			if inWord {
				args = append(args, word.String())
				word.Reset()
				inWord = false
			}
		default:
			word.WriteRune(r)
			inWord = true
		}
	}
	if quote != 0 {
		return nil, errors.New("a quote isn't closed")
	}
	if inWord {
		args = append(args, word.String())
	}
	if len(args) == 0 || args[0] == "" {
		return nil, errors.New("it is empty")
	}
	return args, nil
}

// escapes tells whether a backslash before rest takes away the meaning of its first character.
func escapes(rest []rune, quote rune, windows bool) bool {
	if len(rest) == 0 {
		return false
	}
	switch {
	case windows:
		return quote == '"' && rest[0] == '"'
	case quote == '"':
		return strings.ContainsRune("\n\"\\$`", rest[0])
	}
	return true
}
