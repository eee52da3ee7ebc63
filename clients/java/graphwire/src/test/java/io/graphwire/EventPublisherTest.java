package io.graphwire;

import static io.graphwire.Script.custom;
import static io.graphwire.Script.end;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.graphwire.v1.StreamRunRequest;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.inprocess.InProcessChannelBuilder;
import java.io.IOException;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Flow;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A stream as its subscribers meet it. */
@Timeout(90)
class EventPublisherTest {
    private final ExecutorService pool = Pool.open();
    private final Subscriber subscriber = new Subscriber();
    private ScriptedServer server;
    private GraphwireClient client;

    @BeforeEach
    void open() throws IOException {
        String name = UUID.randomUUID().toString();
        server = new ScriptedServer(name);
        ManagedChannel channel = InProcessChannelBuilder.forName(name).build();
        SystemClock clock = new SystemClock();
        client = new GraphwireClient(new Line(channel, new Metadata(), pool, clock, () -> 0, Duration.ofSeconds(60), clock::close), true, null);
    }

    @AfterEach
    void close() {
        client.close();
        server.close();
        pool.shutdown();
    }

    private Flow.Publisher<Event> publisher() {
        return client.publish(StreamRunRequest.newBuilder().setAssistantId("agent").build());
    }

    @Test
    void sendsNothingWithoutASubscriber() {
        publisher();
        assertTrue(server.asked.isEmpty());
    }

    @Test
    void deliversWhatIsAskedFor() throws InterruptedException {
        server.then(call -> call.headers(0).events(custom(1), custom(2), custom(3)).ends(Status.UNAVAILABLE))
                .then(call -> call.headers(3).events(end(4)).ends(Status.OK));
        publisher().subscribe(subscriber);
        Flow.Subscription subscription = subscriber.subscription();
        subscription.request(2);
        assertEquals("1", subscriber.seen());
        assertEquals("2", subscriber.seen());
        assertNull(subscriber.seen.poll(200, TimeUnit.MILLISECONDS));
        subscription.request(Long.MAX_VALUE);
        subscription.request(Long.MAX_VALUE);
        assertEquals("3", subscriber.seen());
        assertEquals("4", subscriber.seen());
        assertEquals("complete", subscriber.seen());
    }

    @Test
    void takesNoMoreFromTheServerThanAWindow() throws InterruptedException {
        BlockingQueue<Boolean> ready = new LinkedBlockingQueue<>();
        server.then(call -> {
            call.headers(0);
            for (int seq = 1; seq <= 100; seq++) {
                call.events(custom(seq));
            }
            call.events(end(101)).ends(Status.OK);
            ready.add(true);
        });
        publisher().subscribe(subscriber);
        subscriber.subscription().request(1);
        ready.take();
        assertEquals("1", subscriber.seen());
        assertNull(subscriber.seen.poll(100, TimeUnit.MILLISECONDS));
        subscriber.subscription.request(100);
        for (int seq = 2; seq <= 101; seq++) {
            assertEquals(Integer.toString(seq), subscriber.seen());
        }
        assertEquals("complete", subscriber.seen());
    }

    @Test
    void endsTheCallWhereTheSubscriberCancels() throws InterruptedException {
        server.then(call -> call.headers(0).events(custom(1), custom(2)));
        publisher().subscribe(subscriber);
        subscriber.subscription().request(1);
        assertEquals("1", subscriber.seen());
        subscriber.subscription.cancel();
        assertEquals("StreamRun", server.cancelled.poll(10, TimeUnit.SECONDS));
        subscriber.subscription.request(1);
        assertNull(subscriber.seen.poll(200, TimeUnit.MILLISECONDS));
    }

    @Test
    void tellsWhatTheServiceSays() throws InterruptedException {
        server.then(call -> call.ends(Script.refusal(Status.Code.NOT_FOUND, "ASSISTANT_NOT_FOUND")));
        publisher().subscribe(subscriber);
        assertEquals("ASSISTANT_NOT_FOUND", subscriber.seen());
    }

    @Test
    void tellsThatItsClientWasClosed() throws InterruptedException {
        server.then(call -> call.headers(0));
        publisher().subscribe(subscriber);
        assertNotNull(server.asked.poll(10, TimeUnit.SECONDS));
        client.close();
        assertEquals("the client was closed", subscriber.seen());
    }

    @Test
    void refusesToBeAskedForNothing() throws InterruptedException {
        server.then(call -> call.headers(0));
        publisher().subscribe(subscriber);
        assertNotNull(server.asked.poll(10, TimeUnit.SECONDS));
        subscriber.subscription().request(0);
        assertTrue(subscriber.seen().startsWith("request(0)"));
        assertEquals("StreamRun", server.cancelled.poll(10, TimeUnit.SECONDS));
    }

    @Test
    void leavesForASubscriberWhoThrows() throws InterruptedException {
        server.then(call -> call.headers(0).events(custom(1), custom(2)));
        subscriber.failure = new IllegalStateException("thrown by a test");
        BlockingQueue<Throwable> uncaught = new LinkedBlockingQueue<>();
        Thread.setDefaultUncaughtExceptionHandler((thread, error) -> uncaught.add(error));
        try {
            publisher().subscribe(subscriber);
            subscriber.subscription().request(2);
            assertEquals("1", subscriber.seen());
            assertEquals("StreamRun", server.cancelled.poll(10, TimeUnit.SECONDS));
            assertNull(subscriber.seen.poll(200, TimeUnit.MILLISECONDS));
            assertEquals(subscriber.failure, uncaught.poll(10, TimeUnit.SECONDS));
        } finally {
            Thread.setDefaultUncaughtExceptionHandler(null);
        }
    }

    @Test
    void sendsTheSameRequestForEachSubscriber() throws InterruptedException {
        server.then(call -> call.headers(0).events(end(1)).ends(Status.OK)).then(call -> call.headers(0).events(end(1)).ends(Status.OK));
        Flow.Publisher<Event> publisher = publisher();
        publisher.subscribe(subscriber);
        StreamRunRequest first = (StreamRunRequest) server.asked.poll(10, TimeUnit.SECONDS);
        publisher.subscribe(new Subscriber());
        assertEquals(first, server.asked.poll(10, TimeUnit.SECONDS));
    }

    @Test
    void wantsASubscriber() {
        assertThrows(NullPointerException.class, () -> publisher().subscribe(null));
    }

    private static final class Subscriber implements Flow.Subscriber<Event> {
        final BlockingQueue<String> seen = new LinkedBlockingQueue<>();
        private final BlockingQueue<Flow.Subscription> begun = new LinkedBlockingQueue<>();
        private Flow.Subscription subscription;
        private RuntimeException failure;

        Flow.Subscription subscription() throws InterruptedException {
            subscription = begun.poll(10, TimeUnit.SECONDS);
            return subscription;
        }

        String seen() throws InterruptedException {
            return seen.poll(10, TimeUnit.SECONDS);
        }

        @Override
        public void onSubscribe(Flow.Subscription given) {
            begun.add(given);
        }

        @Override
        public void onNext(Event event) {
            seen.add(Long.toString(event.seq()));
            if (failure != null) {
                throw failure;
            }
        }

        @Override
        public void onError(Throwable error) {
            boolean told = error instanceof GraphwireException ours && !ours.reason().isEmpty();
            seen.add(told ? ((GraphwireException) error).reason() : error.getMessage());
        }

        @Override
        public void onComplete() {
            seen.add("complete");
        }
    }
}
