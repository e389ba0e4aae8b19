package quota

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"reflect"
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
			t.Errorf("process %d: warned though it shares: %s", i, log)
		}
	}
}

// write puts the slots into the file, after the byte that belongs to the lock.
func write(t *testing.T, path string, slots ...string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	data := []byte{0}
	for i, slot := range slots {
		data = append(data, make([]byte, contentStart+i*slotSize-len(data))...)
		data = append(data, slot...)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// slot puts the right checksum before the body.
func slot(body string) string {
	return fmt.Sprintf("%08x\n%s\n", crc32.ChecksumIEEE([]byte(body)), body)
}

// full is the body of a slot with so many leases that no place is free, if they count.
func full(serial int, until int64) string {
	one := fmt.Sprintf(`{"holder":"X","limit":%d,"until":%d}`, badFilePlaces, until)
	return fmt.Sprintf(`{"serial":%d,"entries":[%s]}`, serial, strings.Join(slices.Repeat([]string{one}, badFilePlaces), ","))
}

func holds(slots ...string) func(*testing.T, *sharedFile) {
	return func(t *testing.T, f *sharedFile) { write(t, f.path(), slots...) }
}

func TestBadFile(t *testing.T) {
	t.Parallel()
	now := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano() // when virtual time begins
	const second = int64(time.Second)
	empty := `{"serial":2,"entries":[]}`

	for name, test := range map[string]badFile{
		"none":                      {prepare: func(*testing.T, *sharedFile) {}},
		"empty":                     {prepare: holds("")},
		"garbage":                   {prepare: holds("\xff\xfe\x00garbage")},
		"other JSON":                {prepare: holds(slot(`["serial"]`))},
		"null":                      {prepare: holds(slot(`null`))},
		"entries of no kind":        {prepare: holds(slot(`{"serial":1,"entries":[17]}`))},
		"deep":                      {prepare: holds(slot(strings.Repeat("[", 20000)))},
		"truncated":                 {prepare: holds(slot(full(1, now+second))[:100])},
		"damaged":                   {prepare: holds(strings.Replace(slot(full(1, now+second)), "X", "Y", 1))},
		"large":                     {prepare: holds(strings.Repeat("[", 10*slotSize))},
		"expired":                   {prepare: holds(slot(full(1, now-second)))},
		"an older slot":             {prepare: holds(slot(full(1, now+second)), slot(empty))},
		"the rest of a longer slot": {prepare: holds(slot(empty) + slot(full(3, now+second)))},
		"read by others": {prepare: func(t *testing.T, f *sharedFile) {
			write(t, f.path(), "")
			chmod(t, f.path(), 0o644)
			chmod(t, f.dir, 0o755)
		}},
		"another version": {prepare: func(t *testing.T, f *sharedFile) {
			write(t, strings.Replace(f.path(), "-v1-", "-v2-", 1), slot(full(1, now+second)))
		}},

		"relative": {prepare: func(_ *testing.T, f *sharedFile) { f.dir = "cache" }, reason: "not an absolute path", want: badFilePlaces},
		"a directory in its place": {prepare: func(t *testing.T, f *sharedFile) {
			if err := os.MkdirAll(f.path(), 0o700); err != nil {
				t.Fatal(err)
			}
		}, reason: "not a regular file", want: 1},
		"a file in the directory's place": {prepare: func(t *testing.T, f *sharedFile) {
			write(t, f.dir)
		}, reason: "terraform-provider-cas", want: badFilePlaces},
		"a file in the parent directory's place": {prepare: func(t *testing.T, f *sharedFile) {
			write(t, filepath.Dir(f.dir))
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
	data, err := encode(content{7, []entry{{"A", 10, 0, 4}, {"B", 3, 2, 5}}})
	want := "047474e9\n" + `{"serial":7,"entries":[{"holder":"A","limit":10,"until":4},{"holder":"B","limit":3,"since":2,"until":5}]}` + "\n"
	if string(data) != want || err != nil {
		t.Errorf("got %q, %v; want %q", data, err, want)
	}
}

// Whatever a process that was killed, or a disk that was full, left of a change: what was there before counts.
func TestTornWrite(t *testing.T) {
	t.Parallel()
	until := time.Now().UnixNano()
	older, before, after := slot(full(3, until/10)), slot(full(4, until)), slot(full(5, until))
	for i := 0; i < len(after)-1; i += 5 {
		for name, slots := range map[string]string{
			"first":  before + strings.Repeat("\x00", slotSize-len(before)) + after[:i],
			"second": after[:i] + strings.Repeat("\x00", slotSize-i) + before,
			"over":   after[:i] + older[min(i, len(older)):] + strings.Repeat("\x00", slotSize-max(i, len(older))) + before,
		} {
			got, _ := decode([]byte(slots))
			if got.Serial != 4 || len(got.Entries) != badFilePlaces {
				t.Fatalf("%s, torn after %d bytes: got %v, want what was there before", name, i, got)
			}
		}
	}
}

// A change that is damaged leaves the one before it, whichever slots they are in.
func TestDamagedChange(t *testing.T) {
	t.Parallel()
	f := open(t, t.TempDir(), 1).file
	change := func(from, to int64) {
		err := f.change(func(entries []entry) []entry {
			if from > 0 && (len(entries) != 1 || entries[0].Until != from) {
				t.Errorf("got %v, want the entry until %d", entries, from)
			}
			return []entry{{Until: to}}
		})
		if err != nil {
			t.Error(err)
		}
	}
	change(0, 100)
	for until := int64(101); until < 105; until++ {
		change(until-1, until)
		change(until, 999)
		data, err := os.ReadFile(f.path())
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(f.path(), bytes.Replace(data, []byte("999"), []byte("998"), 1), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// A crowd that is too large for the file doesn't keep leases out of it.
func TestTooManyWait(t *testing.T) {
	t.Parallel()
	entries := slices.Repeat([]entry{{Holder: "ABCDEFGHIJ", Limit: 10, Since: math.MaxInt64, Until: math.MaxInt64}}, 2000)
	leases := slices.Repeat([]entry{{Holder: "ABCDEFGHIJ", Limit: 10, Until: math.MaxInt64}}, 10)
	data, err := encode(content{1, append(entries, leases...)})
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := decode(data); !reflect.DeepEqual(got.Entries, leases) {
		t.Errorf("got %d entries, want the %d leases", len(got.Entries), len(leases))
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
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) != 1 {
			t.Fatalf("got %v, %v; want one file", entries, err)
		}
		text, err := os.ReadFile(filepath.Join(dir, entries[0].Name()))
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range []string{"cas", "LTAI"} {
			if strings.Contains(entries[0].Name()+string(text), part) {
				t.Errorf("%s holds %q:\n%s", entries[0].Name(), part, text)
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
		data, err := os.ReadFile(p.file.path())
		if err != nil {
			t.Fatal(err)
		}
		got, _ := decode(data[contentStart:])
		if len(got.Entries) != 1 || len(data) > contentStart+2*slotSize {
			t.Errorf("got %d entries in %d bytes, want one lease only", len(got.Entries), len(data))
		}
	})
}

func FuzzDecode(f *testing.F) {
	const wall = int64(1_700_000_000_000_000_000)
	f.Fuzz(func(t *testing.T, data []byte, rightChecksum bool, step int64) {
		if rightChecksum {
			data = []byte(slot(string(data)))
		}
		read, next := decode(data)
		if next != 0 && next != 1 {
			t.Errorf("got slot %d to write next", next)
		}
		step %= int64(100 * 365 * 24 * time.Hour)
		entries := running(slices.Clone(read.Entries), "reader", wall, max(step, 0))
		for _, e := range entries {
			if e.Holder == "reader" || e.Until < wall || e.Until > wall+int64(lease) {
				t.Errorf("got %+v, want an entry of another process that ends soon after %d", e, wall)
			}
		}
		again, err := encode(content{1, entries})
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := decode(again); len(got.Entries)+len(entries) > 0 && !reflect.DeepEqual(got.Entries, entries) {
			t.Errorf("written and read again: got %v, want %v", got.Entries, entries)
		}
	})
}
