package graphwire

import (
	"bytes"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/graphwire/graphwire/clients/go/graphwirev1"
)

// fragments joins the pieces of events that are too large for one message. An event comes out whole, or not at all.
type fragments struct {
	seq    int64
	pieces [][]byte
}

// drop forgets the pieces that are there: their call has broken, and they come again.
func (f *fragments) drop() { f.pieces = nil }

// whole gives the event, joined where it came in pieces; nil while pieces are to come. It fails where one is missing.
func (f *fragments) whole(event *graphwirev1.StreamEvent) (*graphwirev1.StreamEvent, error) {
	carrier, ok := event.GetPayload().(*graphwirev1.StreamEvent_Fragment)
	if ok {
		return f.join(event.GetSeq(), carrier.Fragment)
	}
	if len(f.pieces) > 0 {
		return nil, cut(fmt.Sprintf("event %d came without its last piece", f.seq))
	}
	return event, nil
}

func (f *fragments) join(seq int64, piece *graphwirev1.EventFragment) (*graphwirev1.StreamEvent, error) {
	if int(piece.GetIndex()) != len(f.pieces) || len(f.pieces) > 0 && seq != f.seq {
		return nil, cut(fmt.Sprintf("event %d came without its piece %d", seq, len(f.pieces)))
	}
	f.seq, f.pieces = seq, append(f.pieces, piece.GetData())
	if len(f.pieces) < int(piece.GetCount()) {
		return nil, nil
	}
	event := &graphwirev1.StreamEvent{}
	err := proto.Unmarshal(bytes.Join(f.pieces, nil), event)
	f.drop()
	if err != nil {
		return nil, cut(fmt.Sprintf("the pieces of event %d make no event", seq))
	}
	return event, nil
}
