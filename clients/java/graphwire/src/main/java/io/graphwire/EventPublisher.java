package io.graphwire;

import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.Flow;

/** Gives each subscriber a stream of its own. */
final class EventPublisher implements Flow.Publisher<Event> {
    private final Line line;
    private final Route route;
    private final Duration timeout;

    EventPublisher(Line line, Route route, Duration timeout) {
        this.line = line;
        this.route = route;
        this.timeout = timeout;
    }

    @Override
    public void subscribe(Flow.Subscriber<? super Event> subscriber) {
        Objects.requireNonNull(subscriber, "subscriber");
        new EventSubscription(line, route, timeout, subscriber).start();
    }
}
