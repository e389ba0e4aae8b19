package cas

import (
	"bytes"
	"encoding/json"
	"iter"
)

// members yields the members of the JSON object that data holds, each name once decoded and each value as it stands.
// It relies on data being valid JSON: brackets match, and a quote ends a string unless a backslash precedes it. Data
// that isn't an object has no members.
func members(data []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		i := skipSpace(data, 0)
		if data[i] != '{' {
			return
		}
		for i = skipSpace(data, i+1); data[i] != '}'; {
			end := skipValue(data, i)
			name := unquote(data[i:end])
			start := skipSpace(data, skipSpace(data, end)+1) // past the colon
			end = skipValue(data, start)
			if !yield(name, data[start:end]) {
				return
			}
			if i = skipSpace(data, end); data[i] == ',' {
				i = skipSpace(data, i+1)
			}
		}
	}
}

func skipSpace(data []byte, i int) int {
	for data[i] == ' ' || data[i] == '\t' || data[i] == '\n' || data[i] == '\r' {
		i++
	}
	return i
}

// skipValue returns where the value that begins at i ends.
func skipValue(data []byte, i int) int {
	for depth := 0; ; i++ {
		switch data[i] {
		case '"':
			for i++; data[i] != '"'; i++ {
				if data[i] == '\\' {
					i++
				}
			}
		case '{', '[':
			depth++
			continue
		case '}', ']':
			depth--
		case ' ', '\t', '\n', '\r', ',', ':':
			continue
		default: // a number or a word
			for i+1 < len(data) && !delimiter(data[i+1]) {
				i++
			}
		}
		if depth == 0 {
			return i + 1
		}
	}
}

func delimiter(c byte) bool {
	switch c {
	case ' ', '\t', '\n', '\r', ',', ':', '}', ']':
		return true
	}
	return false
}

// word is a string or a number as text, and empty for any other value.
func word(value []byte) string {
	switch jsonType(value[0]) {
	case "a string":
		return string(unquote(value))
	case "a number":
		return string(value)
	}
	return ""
}

func unquote(quoted []byte) []byte {
	if !bytes.ContainsRune(quoted, '\\') {
		return quoted[1 : len(quoted)-1]
	}
	var s string
	_ = json.Unmarshal(quoted, &s) // can't fail: a string of valid JSON
	return []byte(s)
}

// jsonType names the type of a JSON value by its first byte.
func jsonType(first byte) string {
	switch first {
	case '"':
		return "a string"
	case '{':
		return "an object"
	case '[':
		return "an array"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	}
	return "a number"
}
