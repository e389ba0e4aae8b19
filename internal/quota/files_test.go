package quota

import (
	"os"
	"path/filepath"
	"testing"
)

const limit = 3

// badFiles is the directory, or files in it, as prepare leaves them.
type badFiles struct {
	prepare func(t *testing.T, p *process)
	reason  string // why processes can't share their places; empty if they can
	want    []int  // how many places two processes get then
}

func each(replace func(t *testing.T, path string)) func(*testing.T, *process) {
	return func(t *testing.T, p *process) {
		for number := range limit {
			replace(t, p.file(number))
		}
	}
}

func holds(content string) func(*testing.T, *process) {
	return each(func(t *testing.T, path string) { write(t, path, content) })
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	mkdir(t, filepath.Dir(path))
	must(t, os.WriteFile(path, []byte(content), 0o600))
}

func mkdir(t *testing.T, path string) {
	t.Helper()
	must(t, os.MkdirAll(path, 0o700))
}

// link makes a symbolic link, whose target has to stay as it is, or a directory if Windows refuses.
func link(t *testing.T, path string) {
	t.Helper()
	target := filepath.Join(t.TempDir(), "target")
	write(t, target, "content")
	mkdir(t, filepath.Dir(path))
	if err := os.Symlink(target, path); err != nil {
		mkdir(t, path)
	}
	t.Cleanup(func() {
		if data, err := os.ReadFile(target); string(data) != "content" {
			t.Errorf("got %q, %v behind the link, want what was there before", data, err)
		}
	})
}

var allBadFiles = map[string]badFiles{
	"none":        {prepare: func(*testing.T, *process) {}, want: []int{3, 0}},
	"empty":       {prepare: holds(""), want: []int{3, 0}},
	"short":       {prepare: holds("\x7f"), want: []int{3, 0}},
	"years ahead": {prepare: holds("\x7f\xff\xff\xff\xff\xff\xff\xff"), want: []int{0, 0}},
	"before 1970": {prepare: holds("\x80\x00\x00\x00\x00\x00\x00\x00"), want: []int{0, 0}},
	"relative":    {prepare: func(_ *testing.T, p *process) { p.path = "cache" }, reason: "no home", want: []int{3, 3}},
	"a file for the directory": {prepare: func(t *testing.T, p *process) {
		write(t, filepath.Dir(p.path), "")
	}, reason: "terraform-provider-cas", want: []int{3, 3}},
	"directories": {prepare: each(mkdir), reason: "is a directory", want: []int{1, 1}},
	"links":       {prepare: each(link), reason: "quota-v2-", want: []int{1, 1}},
	"one directory": {prepare: func(t *testing.T, p *process) { mkdir(t, p.file(1)) }, reason: "is a directory",
		want: []int{2, 0}},
}

// Two processes keep to the limit together if they share, else each warns once.
func TestBadFiles(t *testing.T) {
	t.Parallel()
	forEach(t, allBadFiles, func(t *testing.T, dir string, test badFiles) {
		dir = filepath.Join(dir, "cache", "terraform-provider-cas")
		processes := []*process{open(t, dir, limit), open(t, dir, limit)}
		test.prepare(t, processes[0])
		for i, p := range processes {
			p.path = processes[0].path
			p.takes(t, test.want[i])
			p.takes(t, 0)
			if test.reason != "" {
				p.warned(t, test.reason)
			} else if p.log.Len() > 0 {
				t.Errorf("process %d: got %q in the log, want nothing", i, &p.log)
			}
		}
		// A place that isn't free for another reason is free after a window.
		if test.want[0] == 0 {
			if got := processes[1].waits(); got != window {
				t.Errorf("got a place after %s, want it after %s", got, window)
			}
		}
	})
}
