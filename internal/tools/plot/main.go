// Command plot draws the arrivals of calls against the limit and writes an SVG to its standard
// output. It reads rows of CSV from its standard input: the name of a client, and when one of its
// calls arrived, in seconds. Its argument is the title.
package main

import (
	"encoding/csv"
	"image/color"
	"log"
	"os"
	"sort"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

const limit = 10 // calls a second

func main() {
	rows, err := csv.NewReader(os.Stdin).ReadAll()
	if err != nil {
		log.Fatal(err)
	}
	var names []string
	arrivals := map[string][]float64{}
	for _, row := range rows {
		at, err := strconv.ParseFloat(row[1], 64)
		if err != nil {
			log.Fatal(err)
		}
		if arrivals[row[0]] == nil {
			names = append(names, row[0])
		}
		arrivals[row[0]] = append(arrivals[row[0]], at)
	}
	if err := draw(os.Args[1], names, arrivals); err != nil {
		log.Fatal(err)
	}
}

func draw(title string, names []string, arrivals map[string][]float64) error {
	plot.DefaultFont.Variant = "Sans"
	p := plot.New()
	p.Title.Text = title
	p.X.Label.Text = "seconds"
	p.Y.Label.Text = "calls in one second"
	p.Y.Min = 0
	p.Legend.Top, p.Legend.Left = true, true
	// Colour-blind readers can tell these apart.
	colours := []color.Color{color.RGBA{0xd5, 0x5e, 0x00, 0xff}, color.RGBA{0x00, 0x72, 0xb2, 0xff}}
	for i, name := range names {
		line, err := plotter.NewLine(busiest(arrivals[name]))
		if err != nil {
			return err
		}
		line.Color, line.Width, line.StepStyle = colours[i%len(colours)], vg.Points(1.2), plotter.PostStep
		p.Add(line)
		p.Legend.Add(name, line)
	}
	bound := plotter.NewFunction(func(float64) float64 { return limit })
	bound.Dashes = []vg.Length{vg.Points(4), vg.Points(3)}
	p.Add(bound)
	p.Legend.Add("the limit", bound)

	p.Y.Max *= 1.3 // leaves space for the legend

	svg, err := p.WriterTo(18*vg.Centimeter, 9*vg.Centimeter, "svg")
	if err != nil {
		return err
	}
	_, err = svg.WriteTo(os.Stdout)
	return err
}

// busiest returns, for each tenth of a second, the largest number of sorted arrivals within a
// second that ends in it.
func busiest(arrivals []float64) plotter.XYs {
	var points plotter.XYs
	for tenth := range int(arrivals[len(arrivals)-1]*10) + 12 {
		from, to := float64(tenth)/10, float64(tenth+1)/10
		count := inSecondBefore(from, arrivals)
		for i := sort.SearchFloat64s(arrivals, from); i < len(arrivals) && arrivals[i] < to; i++ {
			count = max(count, inSecondBefore(arrivals[i], arrivals))
		}
		points = append(points, plotter.XY{X: from, Y: float64(count)})
	}
	return points
}

func inSecondBefore(end float64, arrivals []float64) int {
	after := func(t float64) int { return sort.Search(len(arrivals), func(i int) bool { return arrivals[i] > t }) }
	return after(end) - after(end-1)
}
