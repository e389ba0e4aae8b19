package provider

import (
	"context"
	"log/slog"
	"regexp"
	"slices"

	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/cas"
)

// newLogger returns a logger that writes to the log of a read or, outside of reads, of Configure.
// The client logs no secret; should it ever do so, the secret is masked here.
func newLogger(configured context.Context, secrets ...string) *slog.Logger {
	return slog.New(logHandler{configured: context.WithoutCancel(configured), secrets: secrets})
}

// shapes are those of security tokens and signatures, which aren't known beforehand.
var shapes = regexp.MustCompile(`CAIS[\w+/=%-]{16,}|\b[0-9a-f]{64}\b`)

type logHandler struct {
	configured context.Context //nolint:containedctx // Terraform's logger is in it
	secrets    []string
	attrs      []slog.Attr
}

// reading marks the context of a read, in which log lines name what is read.
type reading struct{}

// write has the function of Terraform's log for each level that the client and its credentials use.
var write = map[slog.Level]func(ctx context.Context, message string, fields ...map[string]any){
	cas.LevelTrace:  tflog.Trace,
	slog.LevelDebug: tflog.Debug,
	slog.LevelInfo:  tflog.Info,
	slog.LevelWarn:  tflog.Warn,
	slog.LevelError: tflog.Error,
}

// Enabled returns true, because Terraform's TF_LOG selects the levels that are shown.
func (logHandler) Enabled(context.Context, slog.Level) bool { return true }

// Handle writes a line to the log of the read that ctx belongs to. Each value is a string, because
// tflog masks only strings.
//
//nolint:contextcheck // the context of a line outside of reads holds no logger
func (h logHandler) Handle(ctx context.Context, record slog.Record) error {
	if ctx.Value(reading{}) == nil {
		ctx = h.configured
	}
	ctx = tflog.MaskLogRegexes(tflog.MaskLogStrings(ctx, h.secrets...), shapes)
	record = record.Clone()
	record.AddAttrs(h.attrs...)
	fields := map[string]any{}
	record.Attrs(func(attr slog.Attr) bool {
		fields[attr.Key] = attr.Value.String()
		return true
	})
	write[record.Level](ctx, record.Message, fields)
	return nil
}

// WithAttrs returns a handler that adds attrs to each line.
func (h logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	h.attrs = slices.Concat(h.attrs, attrs)
	return h
}

// WithGroup returns h, because the names of the client's fields don't need a group.
func (h logHandler) WithGroup(string) slog.Handler { return h }
