package provider

import (
	"sync"

	"github.com/hashicorp/terraform-plugin-framework/diag"
)

// told holds the causes whose diagnostics this process has shown in full, so that of many reads that one cause makes fail only the
// first explains it. It is safe for concurrent use.
type told struct{ causes sync.Map }

// error returns the diagnostic of an error.
func (t *told) error(err error) diag.Diagnostic {
	r := about(err)
	return t.first(r.summary+"\n"+r.cause, r.diagnostic())
}

// all returns diagnostics that every read has.
func (t *told) all(diags diag.Diagnostics) (once diag.Diagnostics) {
	for _, d := range diags {
		once.Append(t.first(d.Summary()+"\n"+d.Detail(), d))
	}
	return once
}

func (t *told) first(cause string, d diag.Diagnostic) diag.Diagnostic {
	if _, again := t.causes.LoadOrStore(cause, true); !again {
		return d
	}
	return diag.NewErrorDiagnostic(d.Summary(), "The cause is that of another error with this summary, which says what to do.")
}
