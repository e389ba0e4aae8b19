package userfile

import (
	"os"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/windows"
)

// A file that another process reads is replaced as soon as it is closed.
func TestReplaceFileInUse(t *testing.T) {
	t.Parallel()
	path := file(t, "config.json", "old")
	synctest.Test(t, func(t *testing.T) {
		reader, err := os.Open(path)
		must(t, err)
		time.AfterFunc(time.Second, func() { _ = reader.Close() })
		if err := replaceFile(path, []byte("old"), []byte("new")); err != nil {
			t.Error(err)
		}
	})
	holds(t, path, "new")
}

// A file that another process never closes stays as it is.
func TestReplaceFileInUseForGood(t *testing.T) {
	t.Parallel()
	path := file(t, "config.json", "old")
	synctest.Test(t, func(t *testing.T) {
		reader, err := os.Open(path)
		must(t, err)
		if err := replaceFile(path, []byte("old"), []byte("new")); !inUse(err) {
			t.Errorf("got %v, want an error of a file in use", err)
		}
		if err := reader.Close(); err != nil {
			t.Error(err)
		}
	})
	holds(t, path, "old")
}

// A file that another process has to itself is read as soon as it is closed.
func TestReadFileInUse(t *testing.T) {
	t.Parallel()
	path := file(t, "config.json", "content")
	name, err := windows.UTF16PtrFromString(path)
	must(t, err)
	synctest.Test(t, func(t *testing.T) {
		writer, err := windows.CreateFile(name, windows.GENERIC_WRITE, 0, nil, windows.OPEN_EXISTING, 0, 0)
		must(t, err)
		time.AfterFunc(time.Second, func() { _ = windows.CloseHandle(writer) })
		got, err := Read(path)
		must(t, err)
		if string(got) != "content" {
			t.Errorf("got %q, want %q", got, "content")
		}
	})
}
