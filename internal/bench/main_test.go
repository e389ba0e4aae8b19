// Package bench measures how the provider keeps to the account's limit and what that costs in time:
// the figures that the documentation quotes. Every request goes to a fake service, on the loopback
// device or in memory.
//
// It consists of tests, because virtual time ([testing/synctest]) exists only there. make bench
// runs them all; some are run by
//
//	make bench SECTIONS='crowd|machines'
package bench

import (
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"text/tabwriter"
	"time"
)

// limit is how many calls a second the service accepts.
const limit = 10

// ideal is how long the limit keeps the last of so many calls waiting.
func ideal(calls int) time.Duration {
	return time.Duration((calls-1)/limit) * time.Second
}

// TestMain runs tests only for make bench, because figures take minutes and a machine of their own.
func TestMain(m *testing.M) {
	if os.Getenv("CAS_BENCH") == "" {
		return
	}
	os.Exit(m.Run())
}

//nolint:paralleltest // each section would disturb the others
func TestFigures(t *testing.T) {
	t.Chdir("../..")
	t.Run("plans", plans)
	t.Run("crowd", crowd)
	t.Run("limits", limits)
	t.Run("restart", restart)
	t.Run("machines", machines)
}

// table is a Markdown table, which Flush prints.
type table struct{ *tabwriter.Writer }

func newTable(title string, columns ...any) table {
	fmt.Printf("\n%s\n\n", title)
	t := table{tabwriter.NewWriter(os.Stdout, 0, 0, 1, ' ', 0)}
	t.add(columns...)
	t.add(slices.Repeat([]any{"---"}, len(columns))...)
	return t
}

// add adds a row.
func (t table) add(cells ...any) {
	for _, cell := range cells {
		switch value := cell.(type) {
		case float64:
			cell = fmt.Sprintf("%.2f", value)
		case time.Duration:
			cell = fmt.Sprintf("%.1f s", value.Seconds())
		}
		fmt.Fprintf(t, "| %v\t", cell)
	}
	fmt.Fprintln(t, "|")
}

// failures begins so many reads at once, and returns how many of them failed.
func failures(reads int, read func(number int) error) int {
	var failed atomic.Int64
	var group sync.WaitGroup
	for number := range reads {
		group.Go(func() {
			if read(number) != nil {
				failed.Add(1)
			}
		})
	}
	group.Wait()
	return int(failed.Load())
}
