// Package quiet keeps credentials-go from printing requests.
//
// With DEBUG=credential the library prints the headers of its requests, bearer tokens among them, to stdout. Terraform takes
// what a provider prints there for log lines. The library looks at DEBUG once, while it is initialized, so the flag has to
// be gone by then.
//
// Go initializes packages in the order of their import paths, each as soon as what it imports is initialized. This package
// imports nothing but os, slices and strings, and its path sorts before net/http, which the library needs: so it always
// comes first.
//
// https://go.dev/ref/spec#Package_initialization
package quiet

import (
	"os"
	"slices"
	"strings"
)

// Silenced reports whether DEBUG asked credentials-go to print its requests.
var Silenced = silence()

func silence() bool {
	asked := strings.Split(os.Getenv("DEBUG"), ",")
	kept := slices.DeleteFunc(slices.Clone(asked), func(flag string) bool { return flag == "credential" })
	if len(kept) == len(asked) {
		return false
	}
	return os.Setenv("DEBUG", strings.Join(kept, ",")) == nil
}
