package io.graphwire;

import java.time.Duration;
import java.util.Optional;

/**
 * The events of a run, until it has ended.
 *
 * <p>The iteration ends after the event {@code end}. A graph that fails throws nothing: {@code error} and {@code end} say so. Leaving the stream
 * leaves the run: it goes on, unless the request had {@code DISCONNECT_MODE_CANCEL}.
 */
public final class RunStream extends EventStream {
    private volatile Event end;

    RunStream(Line line, Route route, Duration timeout) {
        super(line, route, timeout);
    }

    /**
     * The run: a UUID. Waits until the server has taken the call, where the request did not name the run.
     *
     * @throws GraphwireException the server refused it
     * @throws IllegalStateException the stream was closed before
     */
    public String runId() {
        return runIdOfCursor();
    }

    /** The run's last event, once it has been handed out. */
    public Optional<Event> end() {
        return Optional.ofNullable(end);
    }

    @Override
    void handedOut(Event event) {
        if (event.proto().hasEnd()) {
            end = event;
        }
    }
}
