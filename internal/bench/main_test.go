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
	"strings"
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

// table is a Markdown table.
type table struct {
	title string
	rows  [][]any
}

func newTable(title string, columns ...any) *table {
	rule := make([]any, len(columns))
	for i := range rule {
		rule[i] = "---"
	}
	return &table{title, [][]any{columns, rule}}
}

func (t *table) add(cells ...any) {
	t.rows = append(t.rows, cells)
}

func (t *table) print() {
	fmt.Printf("\n%s\n\n", t.title)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 1, ' ', 0)
	for _, row := range t.rows {
		texts := make([]string, len(row))
		for i, cell := range row {
			texts[i] = text(cell)
		}
		fmt.Fprintf(w, "| %s\t|\n", strings.Join(texts, "\t| "))
	}
	_ = w.Flush()
}

func text(cell any) string {
	switch cell := cell.(type) {
	case float64:
		return fmt.Sprintf("%.2f", cell)
	case time.Duration:
		return fmt.Sprintf("%.1f s", cell.Seconds())
	}
	return fmt.Sprint(cell)
}
