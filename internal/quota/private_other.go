//go:build !unix

package quota

import "io/fs"

// private leaves it to the access control lists that the user's cache folder inherits.
func private(fs.FileInfo) error { return nil }
