package main

import (
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"
)

// table gathers rows and prints them below a title.
type table struct {
	title string
	rows  []string
}

func newTable(title string, columns ...any) *table {
	t := &table{title: title}
	t.add(columns...)
	return t
}

func (t *table) add(cells ...any) {
	texts := make([]string, len(cells))
	for i, cell := range cells {
		texts[i] = text(cell)
	}
	t.rows = append(t.rows, strings.Join(texts, "\t"))
}

// text writes fractions with no more digits than a measurement has.
func text(cell any) string {
	switch cell := cell.(type) {
	case float64:
		return fmt.Sprintf("%.3f", cell)
	case time.Duration:
		switch size := cell.Abs(); {
		case size >= time.Second:
			return fmt.Sprintf("%.2f s", cell.Seconds())
		case size >= time.Millisecond:
			return fmt.Sprintf("%.1f ms", cell.Seconds()*1e3)
		}
		return fmt.Sprintf("%.2f µs", cell.Seconds()*1e6)
	}
	return fmt.Sprint(cell)
}

func (t *table) print() {
	fmt.Printf("\n%s\n\n", t.title)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 3, ' ', 0)
	fmt.Fprintln(w, strings.Join(t.rows, "\n"))
	_ = w.Flush()
}

// targets is the table that says what was aimed at and what was measured.
type targets struct{ table }

func newTargets() *targets {
	return &targets{*newTable("Targets", "what", "target", "measured", "met")}
}

// most adds a figure that is to be at most target.
func most[T int | float64 | time.Duration](t *targets, what string, measured, target T) {
	t.add(what, "≤ "+text(target), measured, verdict(measured <= target))
}

// least adds a figure that is to be at least target.
func least(t *targets, what string, measured, target float64) {
	t.add(what, "≥ "+text(target), measured, verdict(measured >= target))
}

func verdict(met bool) string {
	if met {
		return "yes"
	}
	return "NO"
}
