package main

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"
)

// page holds the links of a Markdown file, and the anchors that links can lead to.
type page struct {
	links   []link
	anchors map[string]bool
}

type link struct {
	address string
	line    int
}

// attribute is an HTML attribute that links, or that a link leads to.
var attribute = regexp.MustCompile(`\b(href|src|srcset|id|name)="([^"]*)"`)

// parse reads a page as GitHub does.
func parse(source []byte) page {
	if front, rest, ok := bytes.Cut(source, []byte("\n---\n")); ok && bytes.HasPrefix(front, []byte("---\n")) {
		source = append(bytes.Repeat([]byte("\n"), bytes.Count(front, []byte("\n"))+2), rest...)
	}
	p := page{anchors: make(map[string]bool)}
	start := 0 // of the block that is being read
	add := func(address string) {
		at := start + max(0, bytes.Index(source[start:], []byte(address)))
		p.links = append(p.links, link{address, 1 + bytes.Count(source[:at], []byte("\n"))})
	}
	html := func(segments *text.Segments) {
		for _, match := range attribute.FindAllSubmatch(segments.Value(source), -1) {
			if name, value := string(match[1]), string(match[2]); name != "id" && name != "name" {
				add(value)
			} else {
				p.anchors[value] = true
			}
		}
	}
	document := goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser().Parse(text.NewReader(source))
	_ = ast.Walk(document, func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		if node.Type() == ast.TypeBlock && node.Lines().Len() > 0 {
			start = node.Lines().At(0).Start
		}
		switch node := node.(type) {
		case *ast.Heading:
			p.addHeading(slug(words(node, source)))
		case *ast.Link:
			add(string(node.Destination))
		case *ast.Image:
			add(string(node.Destination))
		case *ast.AutoLink:
			add(string(node.URL(source)))
		case *ast.RawHTML:
			html(node.Segments)
		case *ast.HTMLBlock:
			html(node.Lines())
		}
		return ast.WalkContinue, nil
	})
	return p
}

// addHeading adds the anchor of a heading, with a number if an earlier heading has the same words.
func (p page) addHeading(slug string) {
	anchor := slug
	for i := 1; p.anchors[anchor]; i++ {
		anchor = slug + "-" + strconv.Itoa(i)
	}
	p.anchors[anchor] = true
}

// words returns the text of a node without its markup.
func words(node ast.Node, source []byte) string {
	switch node := node.(type) {
	case *ast.Text:
		return string(node.Value(source))
	case *ast.String:
		return string(node.Value)
	}
	var b strings.Builder
	for child := node.FirstChild(); child != nil; child = child.NextSibling() {
		b.WriteString(words(child, source))
	}
	return b.String()
}

// slug returns the anchor that GitHub gives to a heading.
func slug(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || unicode.In(r, unicode.L, unicode.M, unicode.Nd, unicode.Pc):
			return unicode.ToLower(r)
		}
		return -1
	}, heading)
}
