package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	graphwire "github.com/graphwire/graphwire/clients/go"
	"github.com/graphwire/graphwire/clients/go/graphwirev1"
)

// step is one thing that a case asks.
type step struct {
	Do       string          `json:"do"`
	Method   string          `json:"method"`
	Request  json.RawMessage `json:"request"`
	Save     string          `json:"save"`
	Take     int             `json:"take"`
	Deadline *float64        `json:"deadline"`
	Gather   bool            `json:"gather"`
	Count    bool            `json:"count"`
}

// runner does the steps of one case.
type runner struct {
	client *graphwire.Client
	saved  map[string]observation
}

// stream is what the client's streams have in common.
type stream interface {
	Events() iter.Seq2[graphwire.Event, error]
	ThreadID() string
	LastSeq() int64
	Close()
}

// do does a step. Its error says that the runner does not know what to do; what the client returned is in the observation.
func (r *runner) do(ctx context.Context, s step) (observation, error) {
	request, err := r.filled(s.Request)
	if err != nil {
		return nil, err
	}
	if s.Do == "call" {
		return r.call(ctx, s.Method, request)
	}
	if s.Deadline != nil {
		deadline, cancel := context.WithTimeout(ctx, seconds(*s.Deadline))
		defer cancel()
		ctx = deadline
	}
	started := time.Now()
	opened, err := r.open(ctx, s.Do, request)
	if err != nil {
		return failed(err, s.Count)
	}
	return watch(opened, s, started), nil
}

func (r *runner) open(ctx context.Context, kind string, request []byte) (stream, error) {
	switch kind {
	case "stream":
		message := &graphwirev1.StreamRunRequest{}
		return opened(message, request, func() (*graphwire.RunStream, error) { return r.client.Stream(ctx, message) })
	case "join":
		message := &graphwirev1.JoinRunRequest{}
		return opened(message, request, func() (*graphwire.RunStream, error) { return r.client.Join(ctx, message) })
	case "watch":
		message := &graphwirev1.WatchThreadRequest{}
		return opened(message, request, func() (*graphwire.ThreadStream, error) { return r.client.Watch(ctx, message) })
	default:
		return nil, fmt.Errorf("no step is called %q", kind)
	}
}

func opened[Stream stream](message proto.Message, request []byte, open func() (Stream, error)) (stream, error) {
	if err := protojson.Unmarshal(request, message); err != nil {
		return nil, err
	}
	return open()
}

// failed is the observation of a stream that could not be opened.
func failed(err error, count bool) (observation, error) {
	var known *graphwire.Error
	if !errors.As(err, &known) {
		return nil, err
	}
	seen := observation{"last_seq": nil, "events": []any{}, "error": failure(err)}
	if count {
		seen["events"], seen["seconds"] = 0, 0
	}
	return seen, nil
}

// watch reads a stream as far as the step wants.
func watch(s stream, asked step, started time.Time) observation {
	defer s.Close()
	var gatherer graphwire.Gatherer
	var raised error
	events, count := []any{}, 0
	for event, err := range s.Events() {
		if raised = err; err != nil {
			break
		}
		count++
		if asked.Gather {
			gatherer.Add(event)
		}
		if !asked.Count {
			events = append(events, noted(event))
		}
		if count == asked.Take {
			break
		}
	}
	seen := observation{"thread_id": s.ThreadID(), "last_seq": s.LastSeq(), "events": events, "error": failure(raised)}
	if run, ok := s.(*graphwire.RunStream); ok {
		seen["run_id"] = run.RunID()
	}
	if asked.Count {
		seen["events"], seen["seconds"] = count, time.Since(started).Seconds()
	}
	if asked.Gather {
		seen["messages"] = messages(gatherer.Messages())
	}
	return seen
}

// filled puts what earlier steps saw into a request.
func (r *runner) filled(request json.RawMessage) ([]byte, error) {
	if len(request) == 0 {
		return []byte("{}"), nil
	}
	var value any
	decoder := json.NewDecoder(bytes.NewReader(request))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	value, err := r.fill(value)
	if err != nil {
		return nil, err
	}
	return json.Marshal(value)
}
