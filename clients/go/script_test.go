package graphwire

import (
	"context"
	"errors"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/graphwire/graphwire/clients/go/graphwirev1"
)

// A turn is what the server does with one call that streams.
type turn func(c *served) error

// served is a call as the server has it.
type served struct {
	ctx    context.Context
	header func(metadata.MD) error
	send   func(events []*graphwirev1.StreamEvent) error
}

// take answers with the initial metadata.
func (c *served) take(afterSeq int64) error {
	return c.header(metadata.Pairs(runIDKey, "r1", threadIDKey, "t1", afterSeqKey, strconv.FormatInt(afterSeq, 10)))
}

// script is a server in which calls that stream take one turn after another. One that comes after the last is refused.
type script struct {
	graphwirev1.UnimplementedRunServiceServer
	graphwirev1.UnimplementedThreadServiceServer
	turns []turn

	mu       sync.Mutex
	requests []proto.Message
	metadata []metadata.MD
}

func (s *script) play(ctx context.Context, request proto.Message, c *served) error {
	s.mu.Lock()
	place := len(s.requests)
	s.requests = append(s.requests, proto.Clone(request))
	md, _ := metadata.FromIncomingContext(ctx)
	s.metadata = append(s.metadata, md)
	s.mu.Unlock()
	if place >= len(s.turns) {
		return status.Error(codes.FailedPrecondition, "the script has no turn for this call")
	}
	c.ctx = ctx
	return s.turns[place](c)
}

func (s *script) seen() []proto.Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

func (s *script) StreamRun(request *graphwirev1.StreamRunRequest, stream grpc.ServerStreamingServer[graphwirev1.StreamRunResponse]) error {
	return s.play(stream.Context(), request, &served{header: stream.SendHeader, send: func(events []*graphwirev1.StreamEvent) error {
		return stream.Send(&graphwirev1.StreamRunResponse{Events: events})
	}})
}

func (s *script) JoinRun(request *graphwirev1.JoinRunRequest, stream grpc.ServerStreamingServer[graphwirev1.JoinRunResponse]) error {
	return s.play(stream.Context(), request, &served{header: stream.SendHeader, send: func(events []*graphwirev1.StreamEvent) error {
		return stream.Send(&graphwirev1.JoinRunResponse{Events: events})
	}})
}

func (s *script) WatchThread(
	request *graphwirev1.WatchThreadRequest, stream grpc.ServerStreamingServer[graphwirev1.WatchThreadResponse],
) error {
	return s.play(stream.Context(), request, &served{header: stream.SendHeader, send: func(events []*graphwirev1.StreamEvent) error {
		return stream.Send(&graphwirev1.WatchThreadResponse{Events: events})
	}})
}

// serving starts a server in this process and gives a client of it.
func serving(t testing.TB, register func(*grpc.Server), options ...Option) *Client {
	t.Helper()
	listener, server := bufconn.Listen(1<<20), grpc.NewServer()
	register(server)
	go server.Serve(listener)
	t.Cleanup(server.Stop)
	dial := grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) })
	client, err := Open("passthrough:///script", append([]Option{WithDialOptions(dial)}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

// scripted gives a client of a server that takes these turns, in a time that passes as the client sleeps.
func scripted(t testing.TB, time *fakeTime, turns []turn, options ...Option) (*Client, *script) {
	t.Helper()
	s := &script{turns: turns}
	client := serving(t, func(server *grpc.Server) {
		graphwirev1.RegisterRunServiceServer(server, s)
		graphwirev1.RegisterThreadServiceServer(server, s)
	}, append([]Option{withClock(time.clock())}, options...)...)
	return client, s
}

// fakeTime passes when somebody sleeps.
type fakeTime struct {
	mu    sync.Mutex
	now   time.Time
	slept []time.Duration
}

func (f *fakeTime) clock() clock {
	return clock{
		now: func() time.Time {
			f.mu.Lock()
			defer f.mu.Unlock()
			return f.now
		},
		sleep: func(_ context.Context, _ <-chan struct{}, d time.Duration) {
			f.pass(d)
			f.slept = append(f.slept, d)
		},
		factor: func() float64 { return 1 },
	}
}

func (f *fakeTime) pass(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = f.now.Add(d)
}

// The turns that tests are made of.

// sends takes the call, sends events, and ends it so.
func sends(afterSeq int64, end error, events ...*graphwirev1.StreamEvent) turn {
	return func(c *served) error {
		if err := c.take(afterSeq); err != nil {
			return err
		}
		for _, event := range events {
			if err := c.send([]*graphwirev1.StreamEvent{event}); err != nil {
				return err
			}
		}
		return end
	}
}

// refuses ends the call before it has any metadata.
func refuses(end error) turn {
	return func(*served) error { return end }
}

// hangs takes the call, sends events, and then nothing, until the client leaves.
func hangs(left chan<- struct{}, events ...*graphwirev1.StreamEvent) turn {
	return func(c *served) error {
		if err := sends(0, nil, events...)(c); err != nil {
			return err
		}
		<-c.ctx.Done()
		close(left)
		return c.ctx.Err()
	}
}

func custom(seq int64) *graphwirev1.StreamEvent {
	return &graphwirev1.StreamEvent{Seq: seq, RunId: "r1", ThreadId: "t1", Payload: &graphwirev1.StreamEvent_Custom{
		Custom: &graphwirev1.CustomEvent{Data: JSON(seq), Node: "work"},
	}}
}

func end(seq int64) *graphwirev1.StreamEvent {
	return &graphwirev1.StreamEvent{Seq: seq, RunId: "r1", ThreadId: "t1", Payload: &graphwirev1.StreamEvent_End{
		End: &graphwirev1.EndEvent{Status: graphwirev1.RunStatus_RUN_STATUS_SUCCESS},
	}}
}

// pieces is an event in fragments.
func pieces(event *graphwirev1.StreamEvent, count int) []*graphwirev1.StreamEvent {
	data, _ := proto.Marshal(event)
	split, size := []*graphwirev1.StreamEvent{}, (len(data)+count-1)/count
	for i := range count {
		split = append(split, &graphwirev1.StreamEvent{Seq: event.GetSeq(), Payload: &graphwirev1.StreamEvent_Fragment{
			Fragment: &graphwirev1.EventFragment{Index: int32(i), Count: int32(count), Data: data[i*size : min(len(data), (i+1)*size)]},
		}})
	}
	return split
}

// fault is a status as the service sends it.
func fault(code codes.Code, reason string, details ...protoadapt.MessageV1) error {
	if reason != "" {
		info := &errdetails.ErrorInfo{Domain: "graphwire", Reason: reason, Metadata: map[string]string{"request_id": "q1"}}
		details = append(details, info)
	}
	made, err := status.New(code, "it failed").WithDetails(details...)
	if err != nil {
		panic(err)
	}
	return made.Err()
}

func retryAfter(d time.Duration) protoadapt.MessageV1 {
	return &errdetails.RetryInfo{RetryDelay: durationpb.New(d)}
}

// read gives the numbers of a stream's events, and its error.
func read(events func(func(Event, error) bool)) ([]int64, error) {
	var seqs []int64
	for event, err := range events {
		if err != nil {
			return seqs, err
		}
		seqs = append(seqs, event.Seq())
	}
	return seqs, nil
}

// told is what an error says, as one of ours.
func told(t testing.TB, err error) *Error {
	t.Helper()
	var known *Error
	if !errors.As(err, &known) {
		t.Fatalf("not an *Error: %v", err)
	}
	return known
}
