package io.graphwire;

import io.graphwire.v1.StreamEvent;
import io.grpc.Metadata;

/** Where a stream stands: which run and thread it is, and behind which event it goes on. Nothing is known before the server has told. */
final class Cursor {
    private static final Metadata.Key<String> RUN_ID = key("graphwire-run-id");
    private static final Metadata.Key<String> THREAD_ID = key("graphwire-thread-id");
    private static final Metadata.Key<String> AFTER_SEQ = key("graphwire-after-seq");

    private volatile String runId;
    private volatile String threadId;
    private Long afterSeq;

    private static Metadata.Key<String> key(String name) {
        return Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER);
    }

    /** The run; null where it is not known. */
    String runId() {
        return runId;
    }

    /** The thread; null where it is not known. */
    String threadId() {
        return threadId;
    }

    /** The number of the last event that came, or behind which the stream starts; null where it is not known. */
    Long afterSeq() {
        return afterSeq;
    }

    /** What the call itself asked for. */
    void asked(String run, String thread, Long seq) {
        runId = run;
        threadId = thread;
        afterSeq = seq;
    }

    /** What the initial metadata of a call says. A cursor that is known already is further. */
    void answered(Metadata headers) {
        runId = or(headers.get(RUN_ID), runId);
        threadId = or(headers.get(THREAD_ID), threadId);
        String told = headers.get(AFTER_SEQ);
        if (afterSeq == null && told != null) {
            afterSeq = number(told);
        }
    }

    /** Whether an event is new. It is then the last that came. */
    boolean passes(StreamEvent event) {
        if (afterSeq != null && event.getSeq() <= afterSeq) {
            return false;
        }
        afterSeq = event.getSeq();
        threadId = event.getThreadId();
        return true;
    }

    /** Learns the run from its event. */
    void run(StreamEvent event) {
        runId = event.getRunId();
    }

    private static Long number(String told) {
        try {
            return Long.valueOf(told);
        } catch (NumberFormatException unreadable) { // something on the way has changed it: then it is not known
            return null;
        }
    }

    private static String or(String told, String known) {
        return told == null ? known : told;
    }
}
