package io.graphwire;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.graphwire.v1.EventFragment;
import io.graphwire.v1.StreamEvent;
import java.util.ArrayList;
import java.util.List;

/** Joins the pieces of events that are too large for one message: an event is handed out whole or not at all. */
final class Fragments {
    private final List<ByteString> pieces = new ArrayList<>();
    private long seq;

    /** Whether pieces of an event are still to come. */
    boolean open() {
        return !pieces.isEmpty();
    }

    /** Drops the pieces that came. */
    void clear() {
        pieces.clear();
    }

    /**
     * The event, joined if it came in pieces; null while pieces are to come.
     *
     * @throws GraphwireException a piece is missing
     */
    StreamEvent whole(StreamEvent event) {
        if (event.hasFragment()) {
            return joined(event.getSeq(), event.getFragment());
        }
        if (open()) {
            throw GraphwireException.cut("event " + seq + " came without its last piece");
        }
        return event;
    }

    private StreamEvent joined(long number, EventFragment piece) {
        if (piece.getIndex() != pieces.size() || (open() && number != seq)) {
            throw GraphwireException.cut("event " + number + " came without its piece " + pieces.size());
        }
        seq = number;
        pieces.add(piece.getData());
        if (pieces.size() < piece.getCount()) {
            return null;
        }
        ByteString data = ByteString.copyFrom(pieces);
        pieces.clear();
        try {
            return StreamEvent.parseFrom(data);
        } catch (InvalidProtocolBufferException unreadable) {
            throw GraphwireException.cut("the pieces of event " + number + " are not an event");
        }
    }
}
