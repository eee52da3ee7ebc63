package io.graphwire;

import static io.graphwire.Script.custom;
import static io.graphwire.Script.end;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.graphwire.v1.StreamRunRequest;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.inprocess.InProcessChannelBuilder;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A stream as its reader meets it, with threads and the machine's time. */
@Timeout(90)
class EventStreamTest {
    private ScriptedServer server;
    private GraphwireClient client;

    @BeforeEach
    void open() throws IOException {
        String name = UUID.randomUUID().toString();
        server = new ScriptedServer(name);
        ManagedChannel channel = InProcessChannelBuilder.forName(name).build();
        SystemClock clock = new SystemClock();
        client = new GraphwireClient(new Line(channel, new Metadata(), Runnable::run, clock, () -> 0, Duration.ofSeconds(60), clock::close), true, null);
    }

    @AfterEach
    void close() {
        client.close();
        server.close();
    }

    private RunStream stream() {
        return client.stream(StreamRunRequest.newBuilder().setAssistantId("agent").build());
    }

    @Test
    void readsToTheEnd() {
        server.then(call -> call.headers(0).events(custom(1)).ends(Status.UNAVAILABLE)).then(call -> call.headers(1).events(custom(2), end(3)).ends(Status.OK));
        List<Long> numbers = new ArrayList<>();
        try (RunStream run = stream()) {
            assertEquals("run", run.runId());
            assertEquals("thread", run.threadId());
            assertEquals(OptionalLong.empty(), run.lastSeq());
            run.forEach(event -> numbers.add(event.seq()));
            assertEquals(OptionalLong.of(3), run.lastSeq());
            assertEquals("success", run.end().orElseThrow().status());
            assertThrows(NoSuchElementException.class, run::next);
        }
        assertEquals(List.of(1L, 2L, 3L), numbers);
    }

    @Test
    void asksOnceAndForEventsThatAreKept() throws InterruptedException {
        server.then(call -> call.headers(0).events(end(1)).ends(Status.OK));
        try (RunStream run = stream()) {
            run.forEachRemaining(event -> {});
        }
        StreamRunRequest asked = (StreamRunRequest) server.asked.take();
        assertTrue(asked.getStreamResumable());
        assertEquals(36, asked.getRequestId().length());
        assertEquals(600, asked.getRequestIdTtl().getSeconds());
    }

    @Test
    void makesKeysThatOutlivePatience() {
        assertEquals(600, GraphwireClient.keyLifetime(Duration.ZERO).getSeconds());
        assertEquals(3600, GraphwireClient.keyLifetime(Duration.ofHours(1)).getSeconds());
        assertEquals(86_400, GraphwireClient.keyLifetime(Duration.ofDays(2)).getSeconds());
    }

    @Test
    void raisesWhatTheServiceSaysWhereTheIdIsAskedFor() {
        server.then(call -> call.ends(Script.refusal(Status.Code.NOT_FOUND, "ASSISTANT_NOT_FOUND")));
        try (RunStream run = stream()) {
            assertEquals("ASSISTANT_NOT_FOUND", assertThrows(GraphwireException.class, run::runId).reason());
            assertEquals("ASSISTANT_NOT_FOUND", assertThrows(GraphwireException.class, run::hasNext).reason());
        }
    }

    @Test
    void endsForAReaderWhomSomebodyElseCloses() throws Exception {
        server.then(call -> call.headers(0).events(custom(1)));
        RunStream run = stream();
        CountDownLatch reading = new CountDownLatch(1);
        FutureTask<Boolean> reader = new FutureTask<>(() -> {
            run.next();
            reading.countDown();
            return run.hasNext();
        });
        Pool.daemon(reader, "reader").start();
        reading.await();
        run.close();
        assertFalse(reader.get(60, TimeUnit.SECONDS));
        assertEquals("StreamRun", server.cancelled.poll(10, TimeUnit.SECONDS));
    }

    @Test
    void endsAtOnceForAReaderWhoIsInterrupted() throws Exception {
        server.then(call -> call.headers(0).events(custom(1)));
        RunStream run = stream();
        CountDownLatch reading = new CountDownLatch(1);
        FutureTask<Boolean> reader = new FutureTask<>(() -> {
            run.next();
            reading.countDown();
            GraphwireException raised = assertThrows(GraphwireException.class, run::hasNext);
            assertEquals(Status.Code.CANCELLED, raised.code());
            return Thread.currentThread().isInterrupted();
        });
        Thread thread = Pool.daemon(reader, "reader");
        thread.start();
        reading.await();
        thread.interrupt();
        assertTrue(reader.get(60, TimeUnit.SECONDS));
        assertEquals("StreamRun", server.cancelled.poll(10, TimeUnit.SECONDS));
    }

    @Test
    void endsAtOnceForABusyReaderWhoIsInterrupted() {
        server.then(call -> call.headers(0).events(custom(1), custom(2), custom(3)));
        try (RunStream run = stream()) {
            run.next();
            Thread.currentThread().interrupt();
            assertEquals(Status.Code.CANCELLED, assertThrows(GraphwireException.class, run::next).code());
        } finally {
            assertTrue(Thread.interrupted());
        }
    }

    @Test
    void givesNothingAfterItWasClosed() {
        server.then(call -> call.headers(0).events(custom(1), custom(2)));
        RunStream run = stream();
        run.next();
        run.close();
        run.close();
        assertFalse(run.hasNext());
        assertThrows(IllegalStateException.class, () -> closedAtOnce().runId());
    }

    private RunStream closedAtOnce() {
        server.then(call -> {});
        RunStream run = stream();
        run.close();
        return run;
    }

    @Test
    void isCutOffWhereItsClientIsClosed() throws Exception {
        server.then(call -> call.headers(0).events(custom(1)));
        RunStream run = stream();
        run.next();
        FutureTask<Status.Code> reader = new FutureTask<>(() -> assertThrows(GraphwireException.class, run::hasNext).code());
        Pool.daemon(reader, "reader").start();
        client.close();
        assertEquals(Status.Code.CANCELLED, reader.get(60, TimeUnit.SECONDS));
        assertEquals(Status.Code.CANCELLED, assertThrows(GraphwireException.class, () -> stream().hasNext()).code());
    }

    @Test
    void isBoundedByTheCallersTime() {
        server.then(call -> call.headers(0).events(custom(1)));
        try (RunStream run = client.withTimeout(Duration.ofSeconds(3)).stream(StreamRunRequest.getDefaultInstance())) {
            run.next();
            assertEquals(Status.Code.DEADLINE_EXCEEDED, assertThrows(GraphwireException.class, run::hasNext).code());
        }
    }
}
