// Command conformance is this client's runner of the cases in clients/conformance, whose README says what it reads and prints. It does what a case asks
// with the client's public functions, and judges nothing.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// task is one line of input.
type task struct {
	Address string     `json:"address"`
	Connect connection `json:"connect"`
	Steps   []step     `json:"steps"`
}

// result is one line of output.
type result struct {
	Seen   []observation `json:"seen,omitempty"`
	Broken string        `json:"broken,omitempty"`
}

// observation is what a step saw.
type observation map[string]any

func main() {
	if err := serve(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// serve answers line by line, until the input ends. Lines may be of any length.
func serve(in io.Reader, out io.Writer) error {
	lines, answers := bufio.NewReader(in), json.NewEncoder(out)
	answers.SetEscapeHTML(false)
	for {
		line, err := lines.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			if err := answers.Encode(answer(line)); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func answer(line []byte) result {
	seen, err := run(line)
	if err != nil {
		return result{Broken: err.Error()}
	}
	return result{Seen: seen}
}

func run(line []byte) ([]observation, error) {
	var asked task
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&asked); err != nil {
		return nil, err
	}
	client, err := asked.Connect.open(asked.Address)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	r := &runner{client: client, saved: map[string]observation{}}
	seen := make([]observation, 0, len(asked.Steps))
	for _, step := range asked.Steps {
		one, err := r.do(context.Background(), step)
		if err != nil {
			return nil, err
		}
		if step.Save != "" {
			r.saved[step.Save] = one
		}
		seen = append(seen, one)
	}
	return seen, nil
}
