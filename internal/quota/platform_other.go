//go:build !unix

package quota

import (
	"io/fs"
	"time"
)

// clockTick is how far a clock may lag behind: Windows advances its clocks 64 times a second.
const clockTick = 16 * time.Millisecond

// private leaves it to the access control lists that the user's cache directory inherits.
func private(fs.FileInfo) error { return nil }
