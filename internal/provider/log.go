package provider

import (
	"context"
	"log/slog"
	"regexp"

	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/cas"
)

// newLogger passes log lines of the client on to Terraform. Those that belong to no read go where configured, the
// context of Configure, leads. None holds a secret; should one ever do, it is masked here.
func newLogger(configured context.Context, secrets ...string) *slog.Logger {
	h := &logHandler{
		configured: context.WithoutCancel(configured),
		// Security tokens and signatures, which nobody knows beforehand.
		shapes: regexp.MustCompile(`CAIS[\w+/=%-]{16,}|\b[0-9a-f]{64}\b`),
	}
	for _, secret := range secrets {
		if secret != "" {
			h.secrets = append(h.secrets, secret)
		}
	}
	return slog.New(h)
}

type logHandler struct {
	configured context.Context //nolint:containedctx // it is where the log is
	secrets    []string
	shapes     *regexp.Regexp
	attrs      []slog.Attr
}

// reading marks the context of a read, in which log lines name the data source or the ephemeral resource.
type reading struct{}

// Enabled leaves it to Terraform's TF_LOG which levels are shown.
func (h *logHandler) Enabled(context.Context, slog.Level) bool { return true }

func (h *logHandler) Handle(ctx context.Context, record slog.Record) error { //nolint:contextcheck // a line outside of reads has no log of its own
	if ctx.Value(reading{}) == nil {
		ctx = h.configured
	}
	ctx = tflog.MaskLogStrings(ctx, h.secrets...)
	ctx = tflog.MaskLogRegexes(ctx, h.shapes)
	fields := make(map[string]any, len(h.attrs)+record.NumAttrs())
	for _, attr := range h.attrs {
		fields[attr.Key] = maskable(attr.Value)
	}
	record.Attrs(func(attr slog.Attr) bool {
		fields[attr.Key] = maskable(attr.Value)
		return true
	})
	write(record.Level)(ctx, record.Message, fields)
	return nil
}

// maskable returns numbers as they are, and anything else as a string: tflog masks nothing but those.
func maskable(value slog.Value) any {
	switch value = value.Resolve(); value.Kind() {
	case slog.KindInt64, slog.KindUint64, slog.KindFloat64, slog.KindBool:
		return value.Any()
	}
	return value.String()
}

func write(level slog.Level) func(context.Context, string, ...map[string]any) {
	switch {
	case level >= slog.LevelError:
		return tflog.Error
	case level >= slog.LevelWarn:
		return tflog.Warn
	case level >= slog.LevelInfo:
		return tflog.Info
	case level > cas.LevelTrace:
		return tflog.Debug
	}
	return tflog.Trace
}

func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := *h
	with.attrs = append(h.attrs[:len(h.attrs):len(h.attrs)], attrs...)
	return &with
}

// WithGroup does nothing: the client's fields have names of their own.
func (h *logHandler) WithGroup(string) slog.Handler { return h }
