package main

import (
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"
)

// table is a Markdown table, which its rows are added to.
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
