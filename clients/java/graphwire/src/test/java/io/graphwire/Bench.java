package io.graphwire;

import com.google.protobuf.Message;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.inprocess.InProcessChannelBuilder;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.UUID;

/** A feed that stands still until a test lets it go on: no thread, no time of its own. */
final class Bench implements AutoCloseable {
    final FakeClock clock = new FakeClock();
    final ScriptedServer server;
    final Line line;
    private final Queue<Runnable> mailbox = new ArrayDeque<>();
    Feed feed;

    Bench(Duration patience) throws IOException {
        String name = UUID.randomUUID().toString();
        server = new ScriptedServer(name);
        ManagedChannel channel = InProcessChannelBuilder.forName(name).directExecutor().build();
        line = new Line(channel, new Metadata(), Runnable::run, clock, () -> 1, patience, () -> {});
    }

    Bench() throws IOException {
        this(Duration.ofSeconds(60));
    }

    Bench follow(Route route) {
        return follow(route, null);
    }

    Bench follow(Route route, Duration timeout) {
        feed = new Feed(line, route, mailbox::add, timeout, () -> {});
        feed.begin();
        return settle();
    }

    /** Does all that is to be done now. */
    Bench settle() {
        while (!mailbox.isEmpty()) {
            mailbox.remove().run();
        }
        return this;
    }

    /** Lets time pass up to the next thing that the feed wants to do, which must be this far away, and does it. */
    Bench after(Duration wait) {
        org.junit.jupiter.api.Assertions.assertEquals(wait, clock.untilNext());
        clock.toNext();
        return settle();
    }

    /** The numbers of the events that wait to be read. */
    List<Long> read() {
        List<Long> numbers = new ArrayList<>();
        for (Event event = feed.poll(); event != null; event = feed.poll()) {
            numbers.add(event.seq());
            settle();
        }
        return numbers;
    }

    /** The next request that the server got. */
    @SuppressWarnings("unchecked") // the test knows what it has asked
    <Q extends Message> Q asked() {
        return (Q) server.asked.remove();
    }

    @Override
    public void close() {
        line.close();
        server.close();
    }
}
