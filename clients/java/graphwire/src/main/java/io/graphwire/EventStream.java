package io.graphwire;

import io.grpc.Status;
import java.time.Duration;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.OptionalLong;
import java.util.function.Supplier;

/**
 * Events as they come: an {@link Iterator}, and for the enhanced {@code for} statement an {@link Iterable} of itself.
 *
 * <p>The call starts when the stream is made. When its line breaks, the stream goes on by itself from where it stands. Use it in a {@code try} statement with
 * resources: {@link #close} ends the call at once, and nothing goes on.
 *
 * <p>One thread at a time reads; that thread also does the stream's work, so there is no other. Interrupting it ends the stream at once: it throws a {@link
 * GraphwireException} with the code {@code CANCELLED}, and the thread stays interrupted. {@link #close} may be called by any thread.
 *
 * <p>Ahead of the reader there are at most 64 events and 8 messages, each of these with one event or, where the reader lags, with up to 3 MiB of them. Who
 * reads much slower than the run writes is told so by the server: {@code SLOW_READER}.
 */
public abstract sealed class EventStream implements Iterator<Event>, Iterable<Event>, AutoCloseable permits RunStream, ThreadStream {
    private final Mailbox mailbox = new Mailbox();
    private final Feed feed;
    private Event next;
    private volatile long lastSeq = -1;

    EventStream(Line line, Route route, Duration timeout) {
        feed = new Feed(line, route, mailbox, timeout, () -> {});
        feed.begin();
    }

    @Override
    public Iterator<Event> iterator() {
        return this;
    }

    /**
     * Waits for the next event.
     *
     * @return false at the end of the stream, and once it was closed
     * @throws GraphwireException the stream cannot go on: the service refused it, patience is over, or the deadline of the caller has passed. {@link #lastSeq}
     *     is where a new one goes on
     */
    @Override
    public boolean hasNext() {
        while (next == null && !feed.left()) {
            if (Thread.currentThread().isInterrupted()) {
                throw interrupted();
            }
            next = feed.poll();
            if (next == null && !more()) {
                return false;
            }
        }
        return !feed.left();
    }

    /** Waits until something has happened; false at the end. */
    private boolean more() {
        if (!feed.over()) {
            await();
            return true;
        }
        if (feed.failure() != null) {
            throw feed.failure();
        }
        return false;
    }

    /**
     * The next event. Waits for it as {@link #hasNext} does.
     *
     * @throws NoSuchElementException there is none: the stream has ended, or was closed
     */
    @Override
    public Event next() {
        if (!hasNext()) {
            throw new NoSuchElementException("the stream has ended");
        }
        Event event = next;
        next = null;
        lastSeq = event.seq();
        handedOut(event);
        return event;
    }

    void handedOut(Event event) {}

    /**
     * The thread: a UUID. Waits until the server has taken the call.
     *
     * @throws GraphwireException the server refused it
     * @throws IllegalStateException the stream was closed before
     */
    public String threadId() {
        return known(() -> feed.cursor().threadId());
    }

    final String runIdOfCursor() {
        return known(() -> feed.cursor().runId());
    }

    private String known(Supplier<String> id) {
        while (id.get() == null) {
            if (feed.left()) {
                throw new IllegalStateException("the stream was closed before the server had answered");
            }
            if (!more()) {
                throw new IllegalStateException("the stream has ended, and nobody has told");
            }
        }
        return id.get();
    }

    /** The number of the last event that was handed out: the cursor to go on from with a new stream. Empty before the first. */
    public OptionalLong lastSeq() {
        long seq = lastSeq;
        return seq < 0 ? OptionalLong.empty() : OptionalLong.of(seq);
    }

    /** Ends the call, if it has not ended; a thread that reads sees the end. May be called again. */
    @Override
    public void close() {
        feed.leave();
    }

    private void await() {
        try {
            mailbox.runNext();
        } catch (InterruptedException interrupt) {
            Thread.currentThread().interrupt();
            throw interrupted();
        }
    }

    private GraphwireException interrupted() {
        close();
        return GraphwireException.local(Status.Code.CANCELLED, "", "the thread that read the stream was interrupted", null);
    }
}
