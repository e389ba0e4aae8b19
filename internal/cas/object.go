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

// scalar is a JSON string or number as text, and empty for any other value.
type scalar string

// UnmarshalJSON takes any value.
func (s *scalar) UnmarshalJSON(value []byte) error {
	switch jsonType(value[0]) {
	case "a string":
		return json.Unmarshal(value, (*string)(s))
	case "a number":
		*s = scalar(value)
	}
	return nil
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
