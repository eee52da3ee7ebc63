package io.graphwire;

import java.time.Duration;

/**
 * The events of all runs of a thread, each with its {@code runId()}.
 *
 * <p>The iteration does not end by itself: between runs it waits, and what ends it is an error, or {@link #close}. Leaving it changes nothing for the runs.
 */
public final class ThreadStream extends EventStream {
    ThreadStream(Line line, Route route, Duration timeout) {
        super(line, route, timeout);
    }
}
