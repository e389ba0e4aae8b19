package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func TestDeadLinksAreReported(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{
		"README.md":      {},
		"assets/a.svg":   {},
		"dist/README.md": {Data: []byte("[dead](dead.md)")},
		"docs/index.md": {Data: []byte("---\ntitle: x\n---\n\n" +
			"# 概述 of `cas_x`: (a & B)\n\n## Same\n## Same\n<a id=\"nested\"></a>\n")},
		"docs/guides/a.md":       {Data: []byte("# One\n\n")},
		"docs/data-sources/x.md": {},
	}
	const docs = registry + "/docs"
	tests := map[string]struct {
		from, text string
		line       int    // of the link, if it is dead
		reason     string // contains it
	}{
		"file":      {from: "README.md", text: "[x](docs/guides/a.md#one)"},
		"directory": {from: "README.md", text: "[x](docs/guides/)"},
		"image":     {from: "README.md", text: "![x](assets/a.svg)"},
		"HTML": {from: "README.md",
			text: `<a href="docs"><source srcset="assets/a.svg"><img src="assets/a.svg"></a>`},
		"address on GitHub":       {from: "docs/index.md", text: "<" + blob + "docs/index.md#same-1>"},
		"address of a directory":  {from: "docs/index.md", text: tree + "docs"},
		"raw address":             {from: "docs/index.md", text: "![x](" + raw + "assets/a.svg?sanitize=true)"},
		"another site":            {from: "docs/index.md", text: "https://example.com/x#y"},
		"mail":                    {from: "docs/index.md", text: "<mailto:x@example.com>"},
		"heading":                 {from: "docs/index.md", text: "[x](#概述-of-cas_x-a--b)"},
		"id":                      {from: "docs/index.md", text: "[x](#nested)"},
		"sibling":                 {from: "docs/guides/a.md", text: "[x](../data-sources/x.md)"},
		"overview":                {from: "docs/guides/a.md", text: "[x](" + docs + "#same)"},
		"address in the registry": {from: "docs/index.md", text: "[x](" + docs + "/guides/a#one)"},

		"no file": {from: "README.md", text: "b.md\n\n|x|\n|-|\n|[x](b.md)|", line: 5,
			reason: "nothing is at"},
		"no image": {from: "README.md", text: "x\n![x](b.svg)", line: 2, reason: "nothing is at"},
		"no file in HTML": {from: "README.md", text: "<p>\n<source srcset=\"b.svg\">\n</p>", line: 2,
			reason: "nothing is at"},
		"no file in a reference": {from: "README.md", text: "[x]\n\n[x]: b.md", line: 3, reason: "nothing is at"},
		"no .md": {from: "docs/guides/a.md", text: "[x](../data-sources/x)", line: 3,
			reason: "github.com"},
		"outside of the repository": {from: "README.md", text: "[x](../x.md)", line: 1, reason: "nothing is at"},
		"no anchor":                 {from: "docs/guides/a.md", text: "[x](a.md#two)", line: 3, reason: "no such anchor"},
		"capital in an anchor":      {from: "docs/guides/a.md", text: "[x](#One)", line: 3, reason: "no such anchor"},
		"anchor after the last":     {from: "docs/index.md", text: "[x](#same-2)", line: 10, reason: "no such anchor"},
		"front matter":              {from: "docs/index.md", text: "[x](#title-x)", line: 10, reason: "no such anchor"},
		"directory in the registry": {from: "docs/guides/a.md", text: "[x](..)", line: 3, reason: registry},
		"image in the registry":     {from: "docs/guides/a.md", text: "![x](../../assets/a.svg)", line: 3, reason: registry},
		"relative in the overview":  {from: "docs/index.md", text: "[x](guides/a.md)", line: 10, reason: registry},
		"overview by its file":      {from: "docs/guides/a.md", text: "[x](../index.md)", line: 3, reason: registry},
		"overview with a slash":     {from: "README.md", text: docs + "/", line: 1, reason: registry},
		"no page in the registry":   {from: "README.md", text: docs + "/guides/b", line: 1, reason: registry},
		"no anchor in the registry": {from: "README.md", text: docs + "/guides/a#two", line: 1, reason: "no such anchor"},
		"not below docs":            {from: "README.md", text: registry + "/guides/a", line: 1, reason: registry},
		"not an address":            {from: "README.md", text: "[x](%zz)", line: 1, reason: "invalid"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := maps.Clone(files)
			root[test.from] = &fstest.MapFile{Data: slices.Concat(files[test.from].Data, []byte(test.text))}
			dead, err := check(root)
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case test.reason == "" && len(dead) > 0:
				t.Errorf("got %q, want no dead link", dead)
			case test.reason == "":
			case len(dead) != 1 || !strings.Contains(dead[0], test.reason) ||
				!strings.HasPrefix(dead[0], fmt.Sprintf("%s:%d: ", test.from, test.line)):
				t.Errorf("got %q, want one dead link, in line %d of %s, and as reason %q", dead, test.line, test.from, test.reason)
			}
		})
	}
}
