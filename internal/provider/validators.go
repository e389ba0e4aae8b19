package provider

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/helpers/validatordiag"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/cas"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential"
)

// like accepts what the whole of a pattern matches, and an empty string, which sets nothing.
func like(pattern, message string) validator.String {
	return stringvalidator.RegexMatches(regexp.MustCompile("^("+pattern+")?$"), message)
}

// number is a validator of whole numbers, and of texts that hold one. The framework's own type of
// whole numbers tells users that a fraction is an error of the provider, which they should report.
type number struct{ validator.Int64 }

// ValidateNumber has a number of the provider block checked.
func (n number) ValidateNumber(ctx context.Context, req validator.NumberRequest, resp *validator.NumberResponse) {
	if value := req.ConfigValue.ValueBigFloat(); value != nil {
		text := validator.StringRequest{Path: req.Path, ConfigValue: types.StringValue(value.Text('f', -1))}
		n.ValidateString(ctx, text, (*validator.StringResponse)(resp))
	}
}

// ValidateString has a number of the environment checked.
func (n number) ValidateString(ctx context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	text := req.ConfigValue.ValueString()
	value, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		resp.Diagnostics.Append(validatordiag.InvalidAttributeValueDiagnostic(req.Path, n.Description(ctx), text))
		return
	}
	whole := validator.Int64Request{Path: req.Path, ConfigValue: types.Int64Value(value)}
	n.ValidateInt64(ctx, whole, (*validator.Int64Response)(resp))
}

// check is a validator of strings. Those of the framework quote the value, which may be or contain
// a secret.
type check struct {
	summary string             // the diagnostic's summary
	flaw    func(string) error // returns why a value can't be used, as in "it isn't a JSON object"
	advice  string             // what to do about it
}

func (c check) Description(context.Context) string { return c.advice }

func (c check) MarkdownDescription(context.Context) string { return c.advice }

// ValidateString refuses a value with a flaw. An empty string sets nothing.
func (c check) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	text := req.ConfigValue.ValueString()
	if text == "" {
		return
	}
	if err := c.flaw(text); err != nil {
		detail := fmt.Sprintf("%s can't be used: %s. %s", req.Path, err, c.advice)
		resp.Diagnostics.AddAttributeError(req.Path, c.summary, detail)
	}
}

// key returns the check of a key or a token.
func key(summary string) check {
	flaw := func(s string) error {
		if flaw := credential.KeyFlaw(s); flaw != "" {
			return errors.New("it " + flaw)
		}
		return nil
	}
	return check{summary, flaw, "No key or token contains that. It was probably added when the value was copied: " +
		"remove it."}
}

// isDuration returns the check of a duration up to a maximum, which the end of the message names.
func isDuration(maximum time.Duration, end string) check {
	flaw := func(s string) error {
		if d, err := time.ParseDuration(s); err != nil || d <= 0 || d > maximum {
			return fmt.Errorf("%q isn't a duration above zero%s", s, end)
		}
		return nil
	}
	return check{"Invalid duration", flaw, `Use one such as "30s" or "1m30s".`}
}

// isEndpoint returns the check of an endpoint, to which requests may have to be encrypted.
func isEndpoint(example string, encrypted bool) check {
	flaw := func(s string) error {
		endpoint, err := cas.ParseEndpoint(s)
		if err == nil && endpoint.Scheme != "https" && encrypted {
			return errors.New("requests to STS must be encrypted, so use https://")
		}
		return err
	}
	return check{"Invalid endpoint", flaw, fmt.Sprintf("Use a host name such as %q, with a port and https:// where "+
		"needed.", example)}
}

func notObject(s string) error {
	if err := json.Unmarshal([]byte(s), new(map[string]any)); err != nil {
		return fmt.Errorf("it isn't a JSON object: %w", err)
	}
	return nil
}

// timeouts returns the timeouts block of the data source, the ephemeral resource or the action, for
// each of which the framework declares the same interface.
func timeouts(operation, what string) schema.SingleNestedBlock {
	return schema.SingleNestedBlock{Attributes: map[string]schema.Attribute{operation: schema.StringAttribute{
		Optional: true,
		MarkdownDescription: "How long " + what + " may take, including every wait and every attempt: a Go " +
			"duration such as `90s` or `10m`. Default: `5m`.",
		Validators: []validator.String{stringvalidator.LengthAtLeast(1), isDuration(math.MaxInt64, "")},
	}}}
}
