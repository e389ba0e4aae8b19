//go:build !unix

package credential

import "os/exec"

// killChildrenToo does nothing here: the command alone is killed.
func killChildrenToo(*exec.Cmd) {}
