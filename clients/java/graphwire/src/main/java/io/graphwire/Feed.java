package io.graphwire;

import io.graphwire.v1.StreamEvent;
import io.grpc.CallOptions;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.Metadata;
import io.grpc.Status;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;

/**
 * The events of one stream, over all the calls that it takes.
 *
 * <p>Every event comes whole, once and in order. All methods run on the executor that the feed is given, one at a time; only {@link #leave} and {@link
 * #clientClosed} may be called by any thread.
 */
final class Feed {
    /** How long the patience is at most until the server has answered for the first time: a wrong address is told soon. */
    private static final Duration FIRST_CONTACT = Duration.ofSeconds(2);

    /** How long a call may take to end after the run's last event; then it is ended. */
    private static final Duration FAREWELL = Duration.ofSeconds(1);

    private final Line line;
    private final Route route;
    private final Executor mailbox;
    private final Runnable changed;
    private final Cursor cursor;
    private final Deadline deadline;
    private final Context context = Context.current();
    private final Fragments fragments = new Fragments();
    private final Queue<Event> ready = new ArrayDeque<>();
    private final Backoff backoff;

    private volatile boolean left;
    private volatile Attempt<?> attempt;
    private Runnable alarm = () -> {};
    private Runnable timeout = () -> {};
    private boolean answered;
    private boolean ended;
    private boolean over;
    private GraphwireException last;
    private GraphwireException failure;

    /**
     * @param mailbox runs what happens, one after another
     * @param timeout how long the whole stream may take; null is for ever
     * @param changed is told when there may be something to read, or the end
     */
    Feed(Line line, Route route, Executor mailbox, Duration timeout, Runnable changed) {
        this.line = line;
        this.route = route;
        this.mailbox = mailbox;
        this.changed = changed;
        this.cursor = route.start();
        this.backoff = new Backoff(line.clock(), line.random());
        this.deadline = timeout == null ? null : Deadline.after(timeout.toNanos(), TimeUnit.NANOSECONDS);
        if (timeout != null) {
            this.timeout = later(timeout, this::expire);
        }
    }

    /** Where the stream stands. */
    Cursor cursor() {
        return cursor;
    }

    /** Makes the first call, and those that follow it. */
    void begin() {
        if (over || left) {
            return;
        }
        if (!line.enter(this)) {
            fail(Line.closed());
            return;
        }
        Context caller = context.attach();
        try {
            attempt = Attempt.start(this, line.clock(), line.calls(), route.next(cursor), options());
        } finally {
            context.detach(caller);
        }
        if (left) {
            leave();
        } else if (backoff.failing()) {
            hurry(attempt);
        }
    }

    /** The next event; null where none waits. */
    Event poll() {
        Event event = ready.poll();
        Attempt<?> current = attempt;
        if (event != null && current != null) {
            current.more(ready.size());
        }
        return event;
    }

    /** Whether no event waits. */
    boolean empty() {
        return ready.isEmpty();
    }

    /** Whether nothing comes any more, but what waits. */
    boolean over() {
        return over;
    }

    /** What ended the stream; null where it ended well. */
    GraphwireException failure() {
        return failure;
    }

    /** Ends the stream at once, for the caller. What waits is dropped. */
    void leave() {
        left = true;
        Attempt<?> current = attempt;
        if (current != null) {
            current.cancel("the caller left");
        }
        timeout.run();
        line.leave(this);
        mailbox.execute(() -> finish(null));
    }

    /** Whether the caller has left. */
    boolean left() {
        return left;
    }

    /** Ends the stream, since its client is closed. */
    void clientClosed() {
        mailbox.execute(() -> fail(Line.closed()));
    }

    void answered(Attempt<?> from, Metadata headers) {
        if (from != attempt || over) {
            return;
        }
        answered = true;
        cursor.answered(headers);
        changed.run();
    }

    void received(Attempt<?> from, List<StreamEvent> events) {
        if (from != attempt || over) {
            return;
        }
        try {
            for (StreamEvent event : events) {
                take(from, fragments.whole(event));
            }
        } catch (GraphwireException missing) {
            from.cancel("a piece of an event is missing");
            goOn(from, missing);
        }
        if (from == attempt) {
            from.more(ready.size());
        }
        changed.run();
    }

    private void take(Attempt<?> from, StreamEvent event) {
        if (event == null || ended) {
            return;
        }
        // Who joins a run behind its last event gets that event all the same.
        boolean last = route.ofRun() && event.hasEnd();
        if (!cursor.passes(event) && !last) {
            return;
        }
        from.eventful();
        ready.add(new Event(event));
        if (route.ofRun()) {
            cursor.run(event);
        }
        if (last) {
            ended = true;
            alarm(FAREWELL, () -> finish(from));
        }
    }

    void closed(Attempt<?> from, Status status, Metadata trailers) {
        if (from != attempt || over) {
            return;
        }
        answered |= ErrorDetails.ours(status, trailers);
        GraphwireException error = status.isOk() ? cut() : ErrorDetails.exception(status, trailers, status.asRuntimeException(trailers));
        if (ended || left) {
            finish(null);
        } else if (line.isClosed()) {
            fail(Line.closed());
        } else if (deadline != null && deadline.isExpired()) {
            expire();
        } else if (context.isCancelled() || !Breaks.broken(status, trailers)) {
            fail(error);
        } else {
            goOn(from, error);
        }
    }

    private GraphwireException cut() {
        if (fragments.open()) {
            return GraphwireException.cut("the stream ended with pieces of an event missing");
        }
        return GraphwireException.cut(route.ofRun() ? "the stream ended before the run's last event" : "the watch ended, and nothing said why");
    }

    /** Tries again later, or raises the error where patience is over. Pieces that came are dropped: their event comes again. */
    private void goOn(Attempt<?> broken, GraphwireException error) {
        attempt = null;
        fragments.clear();
        if (broken.progress()) {
            backoff.progress();
        }
        Optional<Duration> wait = backoff.next(patience(), error.retryAfter().orElse(Duration.ZERO));
        if (wait.isEmpty()) {
            fail(error);
            return;
        }
        last = error;
        alarm(wait.get(), this::again);
    }

    private void again() {
        backoff.tried(); // whoever reads may have been busy with an event for longer than any patience lasts
        begin();
    }

    /** Ends a call that is not answered while patience lasts: it waits for a connection. */
    private void hurry(Attempt<?> waiting) {
        line.reconnect();
        alarm(backoff.left(patience()), () -> {
            if (waiting == attempt && !waiting.answered()) {
                waiting.cancel("nobody answers");
                fail(last);
            }
        });
    }

    private Duration patience() {
        boolean stranger = !answered && line.patience().compareTo(FIRST_CONTACT) > 0;
        return stranger ? FIRST_CONTACT : line.patience();
    }

    private CallOptions options() {
        CallOptions options = CallOptions.DEFAULT.withExecutor(mailbox);
        if (deadline != null) {
            options = options.withDeadline(deadline);
        }
        // The first call tells at once that nobody is there; those after it wait for the connection, which comes back by itself.
        return backoff.failing() ? options.withWaitForReady() : options;
    }

    private void expire() {
        Attempt<?> current = attempt;
        if (current != null) {
            current.cancel("the caller's deadline has passed");
        }
        fail(GraphwireException.local(Status.Code.DEADLINE_EXCEEDED, "", "the stream took longer than its caller allows", null));
    }

    private void fail(GraphwireException error) {
        if (!over) {
            failure = ended ? null : error; // who has the last event lacks nothing
            finish(null);
        }
    }

    private void finish(Attempt<?> lingering) {
        if (lingering != null && lingering == attempt) {
            lingering.cancel("the run has ended");
        }
        over = true;
        attempt = null;
        alarm.run();
        timeout.run();
        line.leave(this);
        changed.run();
    }

    private void alarm(Duration delay, Runnable action) {
        alarm.run();
        alarm = later(delay, action);
    }

    private Runnable later(Duration delay, Runnable action) {
        return line.clock().later(delay, () -> mailbox.execute(action));
    }
}
