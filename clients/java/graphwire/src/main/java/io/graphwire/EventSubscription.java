package io.graphwire;

import java.time.Duration;
import java.util.concurrent.Flow;

/**
 * A stream that is pushed. The subscriber is told on the client's executor, one thing at a time; no thread waits in between, and none is held.
 */
final class EventSubscription implements Flow.Subscription {
    private final Serial serial;
    private final Feed feed;
    private final Flow.Subscriber<? super Event> subscriber;
    private long demand;
    private boolean done;

    EventSubscription(Line line, Route route, Duration timeout, Flow.Subscriber<? super Event> subscriber) {
        this.serial = new Serial(line.pool());
        this.subscriber = subscriber;
        this.feed = new Feed(line, route, serial, timeout, this::deliver);
    }

    void start() {
        serial.execute(() -> {
            guarded(() -> subscriber.onSubscribe(this));
            feed.begin();
        });
    }

    @Override
    public void request(long events) {
        serial.execute(() -> {
            if (events <= 0) {
                refuse(events);
                return;
            }
            demand = demand + events < 0 ? Long.MAX_VALUE : demand + events;
            deliver();
        });
    }

    @Override
    public void cancel() {
        feed.leave();
    }

    private void refuse(long events) {
        end(() -> subscriber.onError(new IllegalArgumentException("request(" + events + "): a subscriber asks for at least one event")));
        feed.leave();
    }

    private void deliver() {
        while (demand > 0 && !done && !feed.left()) {
            Event event = feed.poll();
            if (event == null) {
                break;
            }
            demand--;
            guarded(() -> subscriber.onNext(event));
        }
        if (feed.over() && feed.empty()) {
            end(feed.failure() == null ? subscriber::onComplete : () -> subscriber.onError(feed.failure()));
        }
    }

    private void end(Runnable last) {
        if (!done && !feed.left()) {
            done = true;
            guarded(last);
        }
    }

    /** A subscriber that throws is one that has left; its error goes where those of threads go. */
    private void guarded(Runnable told) {
        try {
            told.run();
        } catch (Throwable error) {
            feed.leave();
            Thread thread = Thread.currentThread();
            thread.getUncaughtExceptionHandler().uncaughtException(thread, error);
        }
    }
}
