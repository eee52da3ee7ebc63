package graphwire

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// entered gives a stream of which the first event has been handed out, and what tells that its call has been left.
func entered(t *testing.T, ctx context.Context, options ...Option) (*Client, *RunStream, func() (Event, error), <-chan struct{}) {
	t.Helper()
	left := make(chan struct{})
	client, _ := scripted(t, &fakeTime{}, []turn{hangs(left, custom(1))}, options...)
	stream, err := client.Stream(ctx, request())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.next(); err != nil {
		t.Fatal(err)
	}
	return client, stream, stream.next, left
}

func TestLeavingTheLoopEndsTheCall(t *testing.T) {
	left := make(chan struct{})
	client, _ := scripted(t, &fakeTime{}, []turn{hangs(left, custom(1), custom(2))})
	stream, err := client.Stream(t.Context(), request())
	if err != nil {
		t.Fatal(err)
	}

	for range stream.Events() {
		break
	}

	within(t, left)
	same(t, "last_seq", stream.LastSeq(), 1)
	seqs, err := read(stream.Events())
	same(t, "a second loop", []any{seqs, err}, []any{[]int64{}, nil})
}

func TestClosingEndsALoopWithoutAnError(t *testing.T) {
	for _, patience := range []time.Duration{0, time.Minute} {
		_, stream, next, left := entered(t, t.Context(), WithPatience(patience))
		time.AfterFunc(20*time.Millisecond, stream.Close)

		_, err := next()

		same(t, "error", err, errOver)
		within(t, left)
		stream.Close()
	}
}

func TestACancelledContextEndsTheStreamAtOnce(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	_, _, next, left := entered(t, ctx)
	time.AfterFunc(20*time.Millisecond, cancel)

	_, err := next()

	same(t, "code", told(t, err).Code, codes.Canceled)
	if !errors.Is(err, context.Canceled) || status.Code(err) != codes.Canceled {
		t.Errorf("the error is %v", err)
	}
	within(t, left)
}

func TestACancelledContextSaysWhy(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	_, _, next, _ := entered(t, ctx)
	cancel(errors.New("the user has gone"))

	_, err := next()

	same(t, "error", err, "CANCELLED: the user has gone")
}

func TestTheCallersDeadlineIsNotPutOff(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	// The server's deadline may pass a moment before ours: then the wait for the next call ends with ours.
	_, _, next, left := entered(t, ctx, withClock(wallClock))

	_, err := next()

	same(t, "code", told(t, err).Code, codes.DeadlineExceeded)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the error is %v", err)
	}
	within(t, left)
}

func TestACancelledContextEndsTheWaitForTheNextCall(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	waits := wallClock
	waits.factor = func() float64 { return 1000 }
	client, _ := scripted(t, &fakeTime{}, []turn{sends(0, lost, custom(1))}, withClock(waits))
	stream, err := client.Stream(ctx, request())
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(50*time.Millisecond, cancel)

	seqs, err := read(stream.Events())

	same(t, "events and code", []any{seqs, told(t, err).Code}, []any{[]int64{1}, codes.Canceled})
}

func TestAClosedClientEndsItsStreams(t *testing.T) {
	client, _, next, _ := entered(t, t.Context())
	time.AfterFunc(20*time.Millisecond, func() { client.Close() })

	_, err := next()

	same(t, "error", err, "CANCELLED: the client was closed")
	_, err = client.Stream(t.Context(), request())
	same(t, "error of another stream", err, "CANCELLED: the client was closed")
}

func TestAClosedClientEndsTheWaitForTheNextCall(t *testing.T) {
	waits := wallClock
	waits.factor = func() float64 { return 1000 }
	client, _ := scripted(t, &fakeTime{}, []turn{sends(0, lost, custom(1))}, withClock(waits))
	stream, err := client.Stream(t.Context(), request())
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(50*time.Millisecond, func() { client.Close() })

	_, err = read(stream.Events())

	same(t, "error", err, "CANCELLED: the client was closed")
}

func TestNoGoroutineIsLeft(t *testing.T) {
	for name, leave := range map[string]func(*RunStream, context.CancelFunc){
		"closed":    func(s *RunStream, _ context.CancelFunc) { s.Close() },
		"cancelled": func(_ *RunStream, cancel context.CancelFunc) { cancel() },
		"left": func(s *RunStream, _ context.CancelFunc) {
			for range s.Events() {
				break
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			turns := make([]turn, 51)
			for i := range turns {
				turns[i] = hangs(make(chan struct{}), custom(1))
			}
			client, _ := scripted(t, &fakeTime{}, turns)
			warm, _ := client.Stream(t.Context(), request())
			warm.Close()
			before := streamGoroutines(t, 0)

			for range 50 {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				stream, err := client.Stream(ctx, request())
				if err != nil {
					t.Fatal(err)
				}
				leave(stream, cancel)
			}

			streamGoroutines(t, before)
		})
	}
}

// streamGoroutines counts those that belong to calls, once there are no more than expected.
func streamGoroutines(t *testing.T, expected int) int {
	t.Helper()
	count := 0
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		count = strings.Count(string(stacks), "newClientStreamWithParams") + strings.Count(string(stacks), "graphwire.(*stream)")
		if count <= expected {
			return count
		}
	}
	t.Fatalf("%d goroutines are left", count)
	return count
}
