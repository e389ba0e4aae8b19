package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

const picture = "assets/arrivals.svg"

// series is when the calls of one client arrived.
type series struct {
	name     string
	arrivals []time.Duration
}

// draw writes the picture with the plotting tool, whose module keeps its dependencies out of this one.
func draw(ctx context.Context, title string, all []series) error {
	var rows bytes.Buffer
	w := csv.NewWriter(&rows)
	for _, s := range all {
		for _, arrival := range s.arrivals {
			_ = w.Write([]string{s.name, strconv.FormatFloat(arrival.Seconds(), 'f', 4, 64)})
		}
	}
	w.Flush()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, "go", "run", "-C", "internal/tools", "./plot", title)
	cmd.Stdin, cmd.Stderr = &rows, &stderr
	svg, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("draw %s: %w\n%s", picture, err, stderr.Bytes())
	}
	if err := os.MkdirAll(filepath.Dir(picture), 0o755); err != nil {
		return err
	}
	return os.WriteFile(picture, svg, 0o644)
}
