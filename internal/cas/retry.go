package cas

import (
	"errors"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential"
)

// retryable reports whether the next attempt may succeed though nothing is changed.
func retryable(err error) bool {
	if failure, ok := errors.AsType[*credential.Error](err); ok {
		return failure.Kind == credential.Unavailable
	}
	failure, ok := errors.AsType[*Error](err)
	return ok && (failure.Kind == Throttled || failure.Kind == Temporary || failure.transient)
}
