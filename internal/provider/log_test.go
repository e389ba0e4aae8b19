package provider

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-log/tflog"
	"github.com/hashicorp/terraform-plugin-log/tflogtest"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/cas"
)

// logged returns the lines that use writes with a logger of that context and those secrets.
func logged(t *testing.T, use func(read context.Context, logger *slog.Logger), secrets ...string) []map[string]any {
	t.Helper()
	var out bytes.Buffer
	root := tflogtest.RootLogger(t.Context(), &out)
	configured, stop := context.WithCancel(tflog.SetField(root, "rpc", "configure"))
	stop() // as Terraform's request ends
	read := context.WithValue(tflog.SetField(root, "rpc", "read"), reading{}, true)
	use(read, newLogger(configured, secrets...))
	for _, secret := range secrets {
		if strings.Contains(out.String(), secret) {
			t.Errorf("got %q in the log, want it left out:\n%s", secret, out.String())
		}
	}
	lines, err := tflogtest.MultilineJSONDecode(&out)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		delete(line, "@module")
	}
	return lines
}

func TestLogLevels(t *testing.T) {
	t.Parallel()
	tests := map[slog.Level]string{
		cas.LevelTrace:  "trace",
		slog.LevelDebug: "debug",
		slog.LevelInfo:  "info",
		slog.LevelWarn:  "warn",
		slog.LevelError: "error",
	}
	for level, want := range tests {
		lines := logged(t, func(ctx context.Context, logger *slog.Logger) { logger.Log(ctx, level, "said") })
		if want := []map[string]any{{"@level": want, "@message": "said", "rpc": "read"}}; !reflect.DeepEqual(lines, want) {
			t.Errorf("got %v, want %v", lines, want)
		}
	}
}

func TestLogFields(t *testing.T) {
	t.Parallel()
	lines := logged(t, func(ctx context.Context, logger *slog.Logger) {
		client := logger.With("endpoint", "https://cas.aliyuncs.com")
		client.With("attempt", 1).InfoContext(ctx, "first", "took", 1500*time.Millisecond, "error", errors.New("refused"))
		client.With("attempt", 2).InfoContext(ctx, "second", "share", 0.5, "last", true, "at", time.Unix(0, 0).UTC())
	})
	common := map[string]any{"@level": "info", "rpc": "read", "endpoint": "https://cas.aliyuncs.com"}
	want := []map[string]any{
		{"@message": "first", "attempt": "1", "took": "1.5s", "error": "refused"},
		{"@message": "second", "attempt": "2", "share": "0.5", "last": "true", "at": "1970-01-01 00:00:00 +0000 UTC"},
	}
	for _, line := range want {
		maps.Copy(line, common)
	}
	if !reflect.DeepEqual(lines, want) {
		t.Errorf("got %v, want %v", lines, want)
	}
}

// TestLogOutsideOfReads writes where there is no logger: such a line would be lost.
func TestLogOutsideOfReads(t *testing.T) {
	t.Parallel()
	lines := logged(t, func(_ context.Context, logger *slog.Logger) { logger.Warn("no context") })
	if len(lines) != 1 || lines[0]["rpc"] != "configure" {
		t.Errorf("got %v, want one line of configure", lines)
	}
}

func TestLogMasksSecrets(t *testing.T) {
	t.Parallel()
	const (
		secret    = "cAsTeStAcCeSsKeYsEcReT00000000"
		token     = "CAISxyz+/abcdefghijklmnop=="
		signature = "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
	)
	all := secret + " " + token + " " + signature
	lines := logged(t, func(ctx context.Context, logger *slog.Logger) {
		logger.With("with", all).InfoContext(ctx, "message "+all, "string", all, "error", errors.New(all), "stringer",
			slog.StringValue(all),
			"struct", struct{ Key string }{all}, "bytes", []string{all})
	}, secret)
	if len(lines) != 1 {
		t.Fatalf("got %v, want one line", lines)
	}
	for name, value := range lines[0] {
		for _, secret := range []string{secret, token, signature} {
			if text, ok := value.(string); !ok || strings.Contains(text, secret) {
				t.Errorf("got %s %v, want it without a secret", name, value)
			}
		}
	}
}
