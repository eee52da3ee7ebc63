package graphwire

import (
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	"github.com/graphwire/graphwire/clients/go/graphwirev1"
)

func TestARequestIsSentWithAKeyAndKept(t *testing.T) {
	for name, c := range map[string]struct {
		options []Option
		id      string
		asked   bool
		kept    bool
	}{
		"by default":            {kept: true},
		"with the caller's key": {id: "order-4711", kept: true},
		"not kept":              {options: []Option{WithKeepEvents(false)}},
		"kept by the request":   {options: []Option{WithKeepEvents(false)}, asked: true, kept: true},
	} {
		t.Run(name, func(t *testing.T) {
			client, server := scripted(t, &fakeTime{}, []turn{refuses(lost), sends(0, nil, end(1))}, c.options...)
			asked := request()
			asked.RequestId, asked.StreamResumable = c.id, c.asked
			before := proto.Clone(asked)

			stream, err := client.Stream(t.Context(), asked)
			if err != nil {
				t.Fatal(err)
			}
			stream.Close()

			if !proto.Equal(asked, before) {
				t.Error("the caller's request was changed")
			}
			first := server.seen()[0].(*graphwirev1.StreamRunRequest)
			sameRequests(t, server, first) // broken before the metadata: the same again, with the same key
			same(t, "stream_resumable", first.GetStreamResumable(), c.kept)
			if c.id != "" && first.GetRequestId() != c.id || len(first.GetRequestId()) < 10 {
				t.Errorf("the key was %q", first.GetRequestId())
			}
			if made := first.GetRequestIdTtl().AsDuration() == 10*time.Minute; made != (c.id == "") {
				t.Errorf("the key %q was to be known for %v", first.GetRequestId(), first.GetRequestIdTtl())
			}
		})
	}
}

func TestBrokenCallsGoOn(t *testing.T) {
	for name, broken := range map[string]error{
		"UNAVAILABLE":             lost,
		"draining":                fault(codes.Unavailable, "DRAINING"),
		"CANCELLED by a proxy":    fault(codes.Canceled, ""),
		"UNKNOWN":                 fault(codes.Unknown, ""),
		"INTERNAL, a reset":       fault(codes.Internal, ""),
		"a deadline on the way":   fault(codes.DeadlineExceeded, ""),
		"OK without the last one": nil,
	} {
		t.Run(name, func(t *testing.T) {
			client, server := scripted(t, &fakeTime{}, []turn{sends(0, broken, custom(1), custom(2)), sends(2, nil, custom(3), end(4))})

			seqs, err := streamed(t, client)

			same(t, "events", seqs, []int64{1, 2, 3, 4})
			same(t, "error", err, nil)
			sameRequests(t, server, join(2))
		})
	}
}

func TestErrorsOfTheServiceAreRaised(t *testing.T) {
	for _, raised := range []struct {
		code   codes.Code
		reason string
	}{
		{codes.OutOfRange, "CURSOR_EXPIRED"},
		{codes.ResourceExhausted, "SLOW_READER"},
		{codes.Internal, "INTERNAL"},
		{codes.DeadlineExceeded, "SOMETHING"},
		{codes.NotFound, "RUN_NOT_FOUND"},
		{codes.Unimplemented, ""},
		{codes.Unauthenticated, "UNAUTHENTICATED"},
	} {
		t.Run(raised.reason, func(t *testing.T) {
			client, server := scripted(t, &fakeTime{}, []turn{sends(0, fault(raised.code, raised.reason), custom(1))})

			seqs, err := streamed(t, client)

			same(t, "events", seqs, []int64{1})
			same(t, "code and reason", []any{told(t, err).Code, told(t, err).Reason}, []any{raised.code, raised.reason})
			same(t, "calls", len(server.seen()), 1)
		})
	}
}

func TestARefusedRequestIsNotRepeated(t *testing.T) {
	client, server := scripted(t, &fakeTime{}, []turn{refuses(fault(codes.NotFound, "ASSISTANT_NOT_FOUND"))})

	_, err := client.Stream(t.Context(), request())

	same(t, "reason", told(t, err).Reason, "ASSISTANT_NOT_FOUND")
	same(t, "calls", len(server.seen()), 1)
}

func TestACallBrokenBeforeItsFirstEvent(t *testing.T) {
	client, server := scripted(t, &fakeTime{}, []turn{sends(7, lost), sends(7, nil, custom(8), end(9))})

	seqs, err := streamed(t, client)

	same(t, "events", []any{seqs, err}, []any{[]int64{8, 9}, nil})
	sameRequests(t, server, join(7))
}

func TestAJoinWithoutACursorGoesOnWhereItBegan(t *testing.T) {
	client, server := scripted(t, &fakeTime{}, []turn{sends(5, lost), sends(5, nil, custom(6), end(7))})
	stream, err := client.Join(t.Context(), &graphwirev1.JoinRunRequest{RunId: "r1", ThreadId: proto.String("t1")})
	if err != nil {
		t.Fatal(err)
	}

	seqs, err := read(stream.Events())

	same(t, "events", []any{seqs, err}, []any{[]int64{6, 7}, nil})
	first := server.seen()[0].(*graphwirev1.JoinRunRequest)
	if first.AfterSeq != nil {
		t.Error("the first call had a cursor")
	}
	sameRequests(t, server, &graphwirev1.JoinRunRequest{RunId: "r1", ThreadId: proto.String("t1"), AfterSeq: proto.Int64(5)})
}

func TestAJoinBehindTheEndStillHasIt(t *testing.T) {
	client, _ := scripted(t, &fakeTime{}, []turn{sends(9, nil, end(9))})
	stream, err := client.Join(t.Context(), &graphwirev1.JoinRunRequest{RunId: "r1", AfterSeq: proto.Int64(9)})
	if err != nil {
		t.Fatal(err)
	}

	seqs, err := read(stream.Events())

	same(t, "events", []any{seqs, err}, []any{[]int64{9}, nil})
}

func TestACallWithoutOurMetadata(t *testing.T) {
	bare := func(end error, events ...*graphwirev1.StreamEvent) turn {
		return func(c *served) error {
			for _, event := range events {
				c.send([]*graphwirev1.StreamEvent{event})
			}
			return end
		}
	}
	client, server := scripted(t, &fakeTime{}, []turn{
		bare(lost, custom(1)), bare(lost, pieces(custom(2), 2)[0]), bare(nil, custom(2), end(3)), bare(nil, end(3)),
	})
	stream, err := client.Stream(t.Context(), request())
	if err != nil {
		t.Fatal(err)
	}
	same(t, "run_id before the first event", stream.RunID(), "")

	seqs, err := read(stream.Events())

	same(t, "events", []any{seqs, err}, []any{[]int64{1, 2, 3}, nil})
	same(t, "run_id and thread_id", []any{stream.RunID(), stream.ThreadID()}, []any{"r1", "t1"})
	sameRequests(t, server, join(1), join(1))
	joined, err := client.Join(t.Context(), join(2))
	if err != nil {
		t.Fatal(err)
	}
	joined.Close()
	same(t, "run_id of a join", joined.RunID(), "r1")
}

func TestIdsStayThoughALaterCallDoesNotTellThem(t *testing.T) {
	silent := func(c *served) error {
		c.header(metadata.MD{})
		return fault(codes.OutOfRange, "CURSOR_EXPIRED")
	}
	client, _ := scripted(t, &fakeTime{}, []turn{sends(0, lost, custom(1)), silent})
	stream, err := client.Stream(t.Context(), request())
	if err != nil {
		t.Fatal(err)
	}

	_, err = read(stream.Events())

	same(t, "reason", told(t, err).Reason, "CURSOR_EXPIRED")
	same(t, "run_id and thread_id", []any{stream.RunID(), stream.ThreadID()}, []any{"r1", "t1"})
}

func TestARunWithoutACursorIsJoinedFromItsStart(t *testing.T) {
	idAlone := func(c *served) error {
		c.header(metadata.Pairs(runIDKey, "r1"))
		return lost
	}
	client, server := scripted(t, &fakeTime{}, []turn{idAlone, sends(0, nil, end(1))})

	seqs, err := streamed(t, client)

	same(t, "events", []any{seqs, err}, []any{[]int64{1}, nil})
	sameRequests(t, server, join(0))
}
