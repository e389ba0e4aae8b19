package provider

import (
	"context"
	"log/slog"
	"regexp"
	"slices"

	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/cas"
)

// newLogger returns a logger that writes to Terraform's log. Lines that belong to no read are logged with the context of
// Configure. The client logs no secret; should it ever do so, the secret is masked here.
func newLogger(configured context.Context, secrets ...string) *slog.Logger {
	return slog.New(&logHandler{
		configured: context.WithoutCancel(configured),
		secrets:    secrets,
		// Security tokens and signatures aren't known beforehand.
		shapes: regexp.MustCompile(`CAIS[\w+/=%-]{16,}|\b[0-9a-f]{64}\b`),
	})
}

type logHandler struct {
	configured context.Context //nolint:containedctx // Terraform's logger is in it
	secrets    []string
	shapes     *regexp.Regexp
	attrs      []slog.Attr
}

// reading marks the context of a read, in which log lines name the data source or the ephemeral resource.
type reading struct{}

// Enabled returns true for each level, because Terraform's TF_LOG selects the levels that are shown.
func (h *logHandler) Enabled(context.Context, slog.Level) bool { return true }

// Handle writes a line to the log of the read that ctx belongs to.
//
//nolint:contextcheck // the context of a line outside of reads holds no logger
func (h *logHandler) Handle(ctx context.Context, record slog.Record) error {
	if ctx.Value(reading{}) == nil {
		ctx = h.configured
	}
	ctx = tflog.MaskLogStrings(ctx, h.secrets...)
	ctx = tflog.MaskLogRegexes(ctx, h.shapes)
	record = record.Clone()
	record.AddAttrs(h.attrs...)
	fields := make(map[string]any, record.NumAttrs())
	record.Attrs(func(attr slog.Attr) bool {
		fields[attr.Key] = maskable(attr.Value)
		return true
	})
	write(record.Level)(ctx, record.Message, fields)
	return nil
}

// maskable returns numbers as they are, and any other value as a string, because tflog masks only strings.
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

// WithAttrs returns a handler that adds attrs to each line.
func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := *h
	with.attrs = slices.Concat(h.attrs, attrs)
	return &with
}

// WithGroup returns h, because the names of the client's fields don't need a group.
func (h *logHandler) WithGroup(string) slog.Handler { return h }
