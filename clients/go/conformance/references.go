package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

var reference = regexp.MustCompile(`\$\{[^}]+\}`)

// fill replaces every ${name.path} in the texts of a value.
func (r *runner) fill(value any) (any, error) {
	var err error
	switch v := value.(type) {
	case string:
		return r.text(v)
	case []any:
		for i := range v {
			if v[i], err = r.fill(v[i]); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for key := range v {
			if v[key], err = r.fill(v[key]); err != nil {
				return nil, err
			}
		}
	}
	return value, nil
}

func (r *runner) text(text string) (string, error) {
	var failure error
	filled := reference.ReplaceAllStringFunc(text, func(found string) string {
		value, err := r.lookup(strings.Split(found[2:len(found)-1], "."))
		if err != nil {
			failure = err
		}
		return value
	})
	return filled, failure
}

// lookup finds what a step saw: a key of the observation or, by path, what stands in its response.
func (r *runner) lookup(path []string) (string, error) {
	seen, ok := r.saved[path[0]]
	if !ok {
		return "", fmt.Errorf("no step has saved %q", path[0])
	}
	var found any = map[string]any(seen)
	if response, ok := seen["response"].(json.RawMessage); ok {
		if err := json.Unmarshal(response, &found); err != nil {
			return "", err
		}
	}
	for _, key := range path[1:] {
		fields, ok := found.(map[string]any)
		if !ok || fields[key] == nil {
			return "", fmt.Errorf("nothing stands at %s", strings.Join(path, "."))
		}
		found = fields[key]
	}
	return fmt.Sprint(found), nil
}
