package graphwire

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/graphwire/graphwire/clients/go/graphwirev1"
)

// lost is what a lost connection looks like.
var lost = fault(codes.Unavailable, "")

func request() *graphwirev1.StreamRunRequest {
	return &graphwirev1.StreamRunRequest{
		AssistantId: "custom", Filter: &graphwirev1.EventFilter{Modes: []string{"custom"}},
		PayloadFormat: graphwirev1.PayloadFormat_PAYLOAD_FORMAT_TEXT, OnDisconnect: graphwirev1.DisconnectMode_DISCONNECT_MODE_CONTINUE,
	}
}

// streamed reads a run that is created, to its end or its error.
func streamed(t *testing.T, client *Client) ([]int64, error) {
	t.Helper()
	stream, err := client.Stream(t.Context(), request())
	if err != nil {
		return nil, err
	}
	return read(stream.Events())
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		t.Errorf("%s: got %s, want %s", what, g, w)
	}
}

// sameRequests compares what the server was asked after the first call.
func sameRequests(t *testing.T, s *script, want ...proto.Message) {
	t.Helper()
	if !slices.EqualFunc(s.seen()[1:], want, proto.Equal) {
		t.Errorf("after the first, the server was asked %v, want %v", s.seen()[1:], want)
	}
}

func join(afterSeq int64) *graphwirev1.JoinRunRequest {
	asked := request()
	return &graphwirev1.JoinRunRequest{
		RunId: "r1", AfterSeq: &afterSeq, Filter: asked.Filter, PayloadFormat: asked.PayloadFormat, OnDisconnect: asked.OnDisconnect,
	}
}

func TestAStreamOfOneCall(t *testing.T) {
	client, server := scripted(t, &fakeTime{}, []turn{sends(0, nil, custom(1), custom(2), end(3))})
	stream, err := client.Stream(t.Context(), request())
	if err != nil {
		t.Fatal(err)
	}
	same(t, "ids before the first event", []any{stream.RunID(), stream.ThreadID(), stream.LastSeq()}, []any{"r1", "t1", 0})
	if _, ended := stream.End(); ended {
		t.Error("the stream has its end before it began")
	}

	seqs, err := read(stream.Events())

	same(t, "events", seqs, []int64{1, 2, 3})
	same(t, "error", err, nil)
	same(t, "last_seq", stream.LastSeq(), 3)
	last, ended := stream.End()
	same(t, "end", []any{last.Mode(), last.Status(), ended}, []any{"end", graphwirev1.RunStatus_RUN_STATUS_SUCCESS, true})
	same(t, "calls", len(server.seen()), 1)
	again, err := read(stream.Events())
	same(t, "a second loop", []any{again, err}, []any{[]int64{}, nil})
}

func TestDoubledEventsAreDropped(t *testing.T) {
	client, _ := scripted(t, &fakeTime{}, []turn{
		sends(0, lost, custom(1), custom(2)),
		sends(0, nil, append([]*graphwirev1.StreamEvent{custom(1), custom(2)}, append(pieces(custom(2), 2), custom(3), end(4))...)...),
	})

	seqs, err := streamed(t, client)

	same(t, "events", []any{seqs, err}, []any{[]int64{1, 2, 3, 4}, nil})
}

func TestAWatchGoesOnBehindItsLastEvent(t *testing.T) {
	client, server := scripted(t, &fakeTime{}, []turn{
		sends(3, nil, custom(4), end(5)), // a watch never ends well: this one goes on too
		sends(5, fault(codes.NotFound, "THREAD_NOT_FOUND"), end(5), custom(6)),
	})
	stream, err := client.Watch(t.Context(), &graphwirev1.WatchThreadRequest{ThreadId: "t1"})
	if err != nil {
		t.Fatal(err)
	}

	seqs, err := read(stream.Events())

	same(t, "events", seqs, []int64{4, 5, 6})
	same(t, "thread and cursor", []any{stream.ThreadID(), stream.LastSeq()}, []any{"t1", 6})
	same(t, "reason", told(t, err).Reason, "THREAD_NOT_FOUND")
	sameRequests(t, server, &graphwirev1.WatchThreadRequest{ThreadId: "t1", AfterSeq: proto.Int64(5)})
}

func TestNewerPayloadsAndValuesAreHandedOut(t *testing.T) {
	newer, last := custom(1), end(2)
	newer.Payload = nil
	newer.ProtoReflect().SetUnknown(protowire.AppendBytes(protowire.AppendTag(nil, 99, protowire.BytesType), []byte("new")))
	last.GetEnd().Status = 77
	client, _ := scripted(t, &fakeTime{}, []turn{sends(0, nil, newer, last)})
	stream, err := client.Stream(t.Context(), request())
	if err != nil {
		t.Fatal(err)
	}

	var modes []string
	for event, err := range stream.Events() {
		if err != nil {
			t.Fatal(err)
		}
		modes = append(modes, event.Mode())
		if event.Mode() == "" && (event.Message() != nil || event.Seq() != 1) {
			t.Errorf("the newer event is %v", event.Proto())
		}
	}

	same(t, "modes", modes, []string{"", "end"})
	last77, _ := stream.End()
	same(t, "status", int(last77.Status()), 77)
}

func TestAStreamThatIsReadToItsEndIsNotCancelled(t *testing.T) {
	cancelled := make(chan bool, 1)
	slowly := func(c *served) error {
		if err := sends(0, nil, end(1))(c); err != nil {
			return err
		}
		select {
		case <-c.ctx.Done():
			cancelled <- true
		case <-time.After(100 * time.Millisecond):
			cancelled <- false
		}
		return nil
	}
	client, _ := scripted(t, &fakeTime{}, []turn{slowly})

	_, err := streamed(t, client)

	same(t, "error, and whether the server saw it cancelled", []any{err, <-cancelled}, []any{nil, false})
}

func TestAServerThatDoesNotPartIsLeft(t *testing.T) {
	left := make(chan struct{})
	client, _ := scripted(t, &fakeTime{}, []turn{hangs(left, custom(1), end(2))})

	seqs, err := streamed(t, client)

	same(t, "events", []any{seqs, err}, []any{[]int64{1, 2}, nil})
	within(t, left)
}

func within(t *testing.T, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(60 * time.Second):
		t.Fatal("it did not happen")
	}
}
