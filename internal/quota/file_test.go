package quota

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const badFilePlaces = 3

// badFile is a file, or a directory, as prepare leaves it.
type badFile struct {
	prepare func(t *testing.T, f *sharedFile)
	reason  string // why processes can't share their places; empty if they can
	want    int    // how many places each gets then
}

// run opens two quotas, as two processes would: together they keep to the limit when they share, and when they
// can't each warns once, and keeps to what is wanted.
func (test badFile) run(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache", "terraform-provider-cas")
	processes := []*process{open(t, dir, badFilePlaces), open(t, dir, badFilePlaces)}
	test.prepare(t, processes[0].file)
	processes[1].file.dir = processes[0].file.dir
	want := []int{badFilePlaces, 0}
	if test.reason != "" {
		want = []int{test.want, test.want}
	}
	for i, p := range processes {
		p.want(t, want[i])
		p.want(t, 0)
		if test.reason != "" {
			p.warned(t, test.reason)
		} else if log := p.log.String(); log != "" {
			t.Errorf("process %d: got %q in the log, want nothing of one that shares", i, log)
		}
	}
}

// write writes the text to path, and makes its directory.
func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// read returns the entries in the file.
func read(t *testing.T, f *sharedFile) (entries []entry) {
	t.Helper()
	data, err := os.ReadFile(f.path())
	if err != nil {
		t.Fatal(err)
	}
	if err := json.NewDecoder(bytes.NewReader(data[start+1+int(data[start])*slotSize:])).Decode(&entries); err != nil {
		t.Fatal(err)
	}
	return entries
}

// slots returns a file of which the slot of this number counts.
func slots(number byte, first, second string) string {
	file := make([]byte, start+1+slotSize+len(second))
	file[start] = number
	copy(file[start+1:], first)
	copy(file[start+1+slotSize:], second)
	return string(file)
}

// full is a slot with so many leases that no place is free, if they count.
func full(until int64) string {
	one := fmt.Sprintf(`{"holder":"X","limit":%d,"until":%d}`, badFilePlaces, until)
	return "[" + strings.Join(slices.Repeat([]string{one}, badFilePlaces), ",") + "]"
}

func holds(text string) func(*testing.T, *sharedFile) {
	return func(t *testing.T, f *sharedFile) { write(t, f.path(), text) }
}

func holdsSlot(text string) func(*testing.T, *sharedFile) { return holds(slots(0, text, "")) }

func TestBadFile(t *testing.T) {
	t.Parallel()
	now := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano() // when virtual time begins
	const second = int64(time.Second)

	for name, test := range map[string]badFile{
		"none":               {prepare: func(*testing.T, *sharedFile) {}},
		"empty":              {prepare: holds("")},
		"garbage":            {prepare: holds("\xff\xfe\x00garbage")},
		"other JSON":         {prepare: holdsSlot(`{"serial": 1}`)},
		"null":               {prepare: holdsSlot(`null`)},
		"entries of no kind": {prepare: holdsSlot(full(now + second)[:60] + `}, 17]`)},
		"deep":               {prepare: holdsSlot(strings.Repeat("[", 20000))},
		"truncated":          {prepare: holdsSlot(full(now + second)[:100])},
		"no slot":            {prepare: holds("\x00\x01" + full(now+second))},
		"the other slot":     {prepare: holds(slots(1, full(now+second), "[]"))},
		"the rest of a slot": {prepare: holdsSlot("[]" + full(now+second))},
		"expired":            {prepare: holdsSlot(full(now - second))},
		"read by others": {prepare: func(t *testing.T, f *sharedFile) {
			write(t, f.path(), "")
			chmod(t, f.path(), 0o644)
			chmod(t, f.dir, 0o755)
		}},
		"another version": {prepare: func(t *testing.T, f *sharedFile) {
			write(t, strings.Replace(f.path(), "-v1-", "-v2-", 1), full(now+second))
		}},

		"relative": {prepare: func(_ *testing.T, f *sharedFile) { f.dir = "cache" }, reason: "not an absolute path", want: badFilePlaces},
		"a directory in its place": {prepare: func(t *testing.T, f *sharedFile) {
			if err := os.MkdirAll(f.path(), 0o700); err != nil {
				t.Fatal(err)
			}
		}, reason: "is a directory", want: 1},
		"a file in the directory's place": {prepare: func(t *testing.T, f *sharedFile) {
			write(t, f.dir, "")
		}, reason: "terraform-provider-cas", want: badFilePlaces},
		"a file in the parent directory's place": {prepare: func(t *testing.T, f *sharedFile) {
			write(t, filepath.Dir(f.dir), "")
		}, reason: "cache", want: badFilePlaces},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, test.run)
		})
	}
}

func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

// The name and the content are the format: who changes either gives the name another version.
func TestFormat(t *testing.T) {
	t.Parallel()
	f := open(t, t.TempDir(), 1).file
	if got, want := f.name, "quota-v1-"; !strings.HasPrefix(got, want) {
		t.Errorf("got the name %s, want it to begin with %s", got, want)
	}
	err := f.change(func([]entry) []entry {
		return []entry{{Holder: "A", Limit: 10, Since: 0, Until: 4}, {Holder: "B", Limit: 3, Since: 2, Until: 5}}
	})
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(f.path())
	want := slots(1, "", `[{"holder":"A","limit":10,"until":4},{"holder":"B","limit":3,"since":2,"until":5}]`)
	if string(data) != want || err != nil {
		t.Errorf("got %q, %v, want %q", data, err, want)
	}
}

// Whatever a process that was killed, or a disk that was full, left of a change: what was there before counts.
func TestTornWrite(t *testing.T) {
	t.Parallel()
	f := open(t, t.TempDir(), 1).file
	before, after := full(4), full(5)
	for i := range len(after) {
		for name, text := range map[string]string{
			"first":  slots(1, after[:i]+full(3)[i:], before),
			"second": slots(0, before, after[:i]+full(3)[i:]),
			"new":    slots(0, before, after[:i]),
		} {
			write(t, f.path(), text)
			err := f.change(func(entries []entry) []entry {
				if len(entries) != badFilePlaces || entries[0].Until != 4 {
					t.Errorf("%s, torn after %d bytes: got %v, want what was there before", name, i, entries)
				}
				return []entry{{Until: 6}}
			})
			if err != nil {
				t.Fatal(err)
			}
			if got := read(t, f); len(got) != 1 || got[0].Until != 6 {
				t.Errorf("%s, torn after %d bytes, and changed: got %v, want the change alone", name, i, got)
			}
		}
	}
}

// Where the file system can't read a slot, nobody knows that it is empty.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	unreadable, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer unreadable.Close()
	if entries, err := decode(unreadable); err == nil {
		t.Errorf("got %v, want an error", entries)
	}
	half := io.MultiReader(strings.NewReader(full(4)[:60]), unreadable)
	if entries, err := decode(half); err == nil {
		t.Errorf("got %v from half a slot, want an error", entries)
	}
}

// A file that was removed takes nothing from the process that goes on.
func TestFileRemoved(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		p, other := open(t, dir, 3), open(t, dir, 3)
		p.want(t, 3)
		remove(t, p.file.path())
		p.want(t, 0)
		other.want(t, 0) // the first has put its own back
	})
}

func TestFileSaysNothingAboutIdentity(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		q := Open(Config{Dir: dir, Name: "cas.aliyuncs.com LTAI5tSecretive", Places: 3, Logger: slog.New(slog.DiscardHandler)})
		q.await(t.Context()).Release()
		synctest.Wait()
		files, err := os.ReadDir(dir)
		if err != nil || len(files) != 1 {
			t.Fatalf("got %v, %v, want one file", files, err)
		}
		text, err := os.ReadFile(filepath.Join(dir, files[0].Name()))
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range []string{"cas", "LTAI"} {
			if strings.Contains(files[0].Name()+string(text), part) {
				t.Errorf("got %q in %s, want it left out:\n%s", part, files[0].Name(), text)
			}
		}
	})
}

// Nothing that is over stays in the file, and so it doesn't grow.
func TestFileIsPruned(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		for range 10 {
			p := open(t, dir, 20)
			p.want(t, 20)
			p.releaseAll()
			synctest.Wait()
			time.Sleep(window + 1)
		}
		p := open(t, dir, 1)
		p.await(t.Context())
		if got := read(t, p.file); len(got) != 1 {
			t.Errorf("got %v, want one lease only", got)
		}
	})
}
