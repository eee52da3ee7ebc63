package io.graphwire;

import io.graphwire.v1.StreamEvent;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.Status;
import java.time.Duration;
import java.util.List;
import java.util.function.Function;

/** One call of a stream: asks for as many messages as the reader has room for, and tells its feed what comes. */
final class Attempt<A> extends ClientCall.Listener<A> {
    /** How many messages may be under way. The server puts up to 3 MiB of events into one where the reader lags. */
    private static final int WINDOW = 8;

    /** From how many waiting events on no more messages are asked for. */
    private static final int ENOUGH = 64;

    /** A call that lasted longer has served its purpose, with or without events. */
    private static final Duration LONG = Duration.ofSeconds(5);

    private final Feed feed;
    private final Clock clock;
    private final ClientCall<?, A> call;
    private final Function<A, List<StreamEvent>> events;
    private int underWay;
    private boolean answered;
    private long answeredAt;
    private boolean eventful;

    private Attempt(Feed feed, Clock clock, ClientCall<?, A> call, Function<A, List<StreamEvent>> events) {
        this.feed = feed;
        this.clock = clock;
        this.call = call;
        this.events = events;
    }

    /** Starts a call. What comes of it is told on the executor of the options. */
    static <Q, A> Attempt<A> start(Feed feed, Clock clock, Channel channel, Ask<Q, A> ask, CallOptions options) {
        ClientCall<Q, A> call = channel.newCall(ask.method(), options);
        Attempt<A> attempt = new Attempt<>(feed, clock, call, ask.events());
        call.start(attempt, new Metadata());
        attempt.more(0);
        call.sendMessage(ask.request());
        call.halfClose();
        return attempt;
    }

    /** Ends the call, if it has not ended. May be called by any thread. */
    void cancel(String why) {
        call.cancel(why, null);
    }

    /** Asks for more messages, where there is room. */
    void more(int waiting) {
        if (waiting < ENOUGH && underWay <= WINDOW / 2) {
            call.request(WINDOW - underWay);
            underWay = WINDOW;
        }
    }

    /** Whether the server has taken the call. */
    boolean answered() {
        return answered;
    }

    /** Whether the call has brought the stream on: it had an event, or lasted a while. */
    boolean progress() {
        return eventful || (answered && clock.nanos() - answeredAt > LONG.toNanos());
    }

    /** One of its events was new. */
    void eventful() {
        eventful = true;
    }

    @Override
    public void onHeaders(Metadata headers) {
        answered = true;
        answeredAt = clock.nanos();
        feed.answered(this, headers);
    }

    @Override
    public void onMessage(A message) {
        underWay--;
        feed.received(this, events.apply(message));
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
        feed.closed(this, status, trailers);
    }
}
