package graphwire

import (
	"slices"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/graphwire/graphwire/clients/go/graphwirev1"
)

func TestPiecesAreJoined(t *testing.T) {
	large := custom(2)
	events := append(append([]*graphwirev1.StreamEvent{custom(1)}, pieces(large, 3)...), end(3))
	client, _ := scripted(t, &fakeTime{}, []turn{sends(0, nil, events...)})
	stream, err := client.Stream(t.Context(), request())
	if err != nil {
		t.Fatal(err)
	}

	for event, err := range stream.Events() {
		if err != nil {
			t.Fatal(err)
		}
		if event.Seq() == 2 && !proto.Equal(event.Proto(), large) {
			t.Errorf("the joined event is %v", event.Proto())
		}
	}

	same(t, "last_seq", stream.LastSeq(), 3)
}

func TestMissingPiecesComeAgain(t *testing.T) {
	whole := pieces(custom(2), 3)
	other := pieces(custom(3), 3)
	readable := []*graphwirev1.StreamEvent{piece(0, &graphwirev1.StreamEvent{Seq: 2}), piece(1, &graphwirev1.StreamEvent{RunId: "r1"})}
	for name, broken := range map[string][]*graphwirev1.StreamEvent{
		"one, and another is double": {readable[0], readable[0], readable[1]},
		"the first":                  whole[1:],
		"one between":                {whole[0], whole[2]},
		"the last, then another":     {whole[0], whole[1], custom(3)},
		"the last, then the end":     {whole[0], whole[1]},
		"some of two events":         {whole[0], other[1], other[2]},
		"none, but they are wrong":   {whole[0], whole[1], {Seq: 2, Payload: garbage(2, 3)}},
	} {
		t.Run(name, func(t *testing.T) {
			client, server := scripted(t, &fakeTime{}, []turn{
				sends(0, nil, append([]*graphwirev1.StreamEvent{custom(1)}, broken...)...),
				sends(1, nil, append(slices.Clone(whole), end(3))...),
			})

			seqs, err := streamed(t, client)

			same(t, "events", []any{seqs, err}, []any{[]int64{1, 2, 3}, nil})
			sameRequests(t, server, join(1))
		})
	}
}

// piece is a piece of event 2 that can be read by itself: without any of its kind, the others still make an event.
func piece(index int32, event *graphwirev1.StreamEvent) *graphwirev1.StreamEvent {
	data, _ := proto.Marshal(event)
	return &graphwirev1.StreamEvent{Seq: 2, Payload: &graphwirev1.StreamEvent_Fragment{
		Fragment: &graphwirev1.EventFragment{Index: index, Count: 3, Data: data},
	}}
}

func garbage(index, count int32) *graphwirev1.StreamEvent_Fragment {
	return &graphwirev1.StreamEvent_Fragment{Fragment: &graphwirev1.EventFragment{Index: index, Count: count, Data: []byte{0xff, 0xff}}}
}

func TestACallWithAMissingPieceIsLeft(t *testing.T) {
	left := make(chan struct{})
	client, _ := scripted(t, &fakeTime{}, []turn{hangs(left, pieces(custom(1), 3)[1]), sends(0, nil, custom(1), end(2))})
	stream, err := client.Stream(t.Context(), request())
	if err != nil {
		t.Fatal(err)
	}

	_, err = stream.next()

	same(t, "error", err, nil)
	within(t, left) // before the stream itself is closed
	stream.Close()
}

func TestPiecesThatNeverComeAreAnError(t *testing.T) {
	piece := pieces(custom(1), 2)[:1]
	turns := slices.Repeat([]turn{sends(0, nil, piece...)}, 100)
	client, _ := scripted(t, &fakeTime{}, turns)

	_, err := streamed(t, client)

	same(t, "code and reason", []any{told(t, err).Code, told(t, err).Reason}, []any{codes.DataLoss, ReasonStreamCut})
}
