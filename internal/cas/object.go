package cas

import (
	"bytes"
	"encoding/json"
	"iter"
)

// members yields the name and the value of each member of a JSON object, in their order and as often as they are there.
// Data that isn't an object has no members.
//
// Decoding into a struct would take "point" for Point, and the last of two Points: each a number that is quietly wrong.
func members(data []byte) iter.Seq2[string, json.RawMessage] {
	return func(yield func(string, json.RawMessage) bool) {
		decoder := json.NewDecoder(bytes.NewReader(data))
		if token, err := decoder.Token(); err != nil || token != json.Delim('{') {
			return
		}
		for decoder.More() {
			token, err := decoder.Token()
			name, ok := token.(string)
			var value json.RawMessage
			if err != nil || !ok || decoder.Decode(&value) != nil || !yield(name, value) {
				return
			}
		}
	}
}

// scalarText returns a JSON string or number as text, and "" for any other value.
func scalarText(value json.RawMessage) string {
	switch jsonType(value[0]) {
	case "a string":
		var s string
		_ = json.Unmarshal(value, &s) // can't fail: the value is a valid JSON string
		return s
	case "a number":
		return string(value)
	}
	return ""
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
