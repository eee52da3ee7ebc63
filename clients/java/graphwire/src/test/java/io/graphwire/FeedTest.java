package io.graphwire;

import static io.graphwire.Script.custom;
import static io.graphwire.Script.end;
import static io.graphwire.Script.piece;
import static io.graphwire.Script.refusal;
import static io.graphwire.Script.retryAfter;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.graphwire.v1.DisconnectMode;
import io.graphwire.v1.EventFilter;
import io.graphwire.v1.JoinRunRequest;
import io.graphwire.v1.PayloadFormat;
import io.graphwire.v1.StreamRunRequest;
import io.graphwire.v1.WatchThreadRequest;
import io.grpc.Status;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** How a stream goes on, and when it does not. */
class FeedTest {
    private static final Duration TENTH = Duration.ofMillis(100);
    private static final Consumer<ScriptedServer.Answer> SILENT = call -> {};
    private static final Consumer<ScriptedServer.Answer> UNAVAILABLE = call -> call.ends(Status.UNAVAILABLE.withDescription("gone"));

    private final Route create = new Route.Create(StreamRunRequest.newBuilder().setAssistantId("agent").setRequestId("key").build());
    private Bench bench;

    @BeforeEach
    void open() throws IOException {
        bench = new Bench();
    }

    @AfterEach
    void close() {
        bench.close();
    }

    private void endedWell() {
        assertTrue(bench.feed.over());
        assertNull(bench.feed.failure());
    }

    @Test
    void sendsTheSameRequestWhereTheRunIsNotKnown() {
        bench.server.then(UNAVAILABLE).then(call -> call.headers(0).events(custom(1), end(2)).ends(Status.OK));
        bench.follow(create).after(TENTH);
        assertEquals(List.of(1L, 2L), bench.read());
        assertEquals((StreamRunRequest) bench.asked(), bench.<StreamRunRequest>asked());
        endedWell();
    }

    @Test
    void joinsTheRunBehindTheLastEvent() {
        bench.server
                .then(call -> call.headers(4).events(custom(5), custom(6)).ends(Status.UNAVAILABLE))
                .then(call -> call.headers(6).events(end(7)).ends(Status.OK));
        bench.follow(create).after(TENTH);
        assertEquals(List.of(5L, 6L, 7L), bench.read());
        bench.asked();
        JoinRunRequest join = bench.asked();
        assertEquals("run", join.getRunId());
        assertEquals(6, join.getAfterSeq());
        endedWell();
    }

    @Test
    void joinsBehindTheMetadataWhereNoEventCame() {
        bench.server.then(call -> call.headers(4).ends(Status.UNAVAILABLE)).then(call -> call.headers(4).events(end(5)).ends(Status.OK));
        bench.follow(create).after(TENTH);
        bench.asked();
        assertEquals(4, bench.<JoinRunRequest>asked().getAfterSeq());
    }

    @Test
    void keepsWhatTheFirstCallAskedFor() {
        StreamRunRequest request = StreamRunRequest.newBuilder()
                .setFilter(EventFilter.newBuilder().addModes("custom"))
                .setPayloadFormat(PayloadFormat.PAYLOAD_FORMAT_VALUE)
                .setOnDisconnect(DisconnectMode.DISCONNECT_MODE_CANCEL)
                .build();
        bench.server.then(call -> call.headers(0).ends(Status.UNAVAILABLE)).then(SILENT);
        bench.follow(new Route.Create(request)).after(TENTH);
        bench.asked();
        JoinRunRequest join = bench.asked();
        assertEquals(request.getFilter(), join.getFilter());
        assertEquals(request.getPayloadFormat(), join.getPayloadFormat());
        assertEquals(request.getOnDisconnect(), join.getOnDisconnect());
    }

    @Test
    void aJoinWithoutACursorGoesOnBehindTheMetadata() {
        bench.server.then(call -> call.headers(9).ends(Status.UNAVAILABLE)).then(call -> call.headers(9).events(end(10)).ends(Status.OK));
        bench.follow(new Route.Join(JoinRunRequest.newBuilder().setRunId("run").build())).after(TENTH);
        assertFalse(bench.<JoinRunRequest>asked().hasAfterSeq());
        assertEquals(9, bench.<JoinRunRequest>asked().getAfterSeq());
        endedWell();
    }

    @Test
    void aWatchGoesOnAlsoAfterAGoodEnd() {
        bench.server.then(call -> call.headers(0).events(end(3)).ends(Status.OK)).then(call -> call.headers(3).events(custom(4)));
        bench.follow(new Route.Watch(WatchThreadRequest.newBuilder().setThreadId("thread").build())).after(TENTH);
        assertEquals(List.of(3L, 4L), bench.read());
        bench.asked();
        assertEquals(3, bench.<WatchThreadRequest>asked().getAfterSeq());
        assertFalse(bench.feed.over());
    }

    @Test
    void aGoodEndBeforeTheLastEventIsABrokenLine() {
        bench.server.then(call -> call.headers(0).events(custom(1)).ends(Status.OK)).then(call -> call.headers(1).events(end(2)).ends(Status.OK));
        bench.follow(create).after(TENTH);
        assertEquals(List.of(1L, 2L), bench.read());
        endedWell();
    }

    @ParameterizedTest
    @EnumSource(value = Status.Code.class, names = {"CANCELLED", "UNKNOWN", "INTERNAL", "DEADLINE_EXCEEDED"})
    void goesOnAfterWhatProxiesSay(Status.Code code) {
        bench.server.then(call -> call.headers(0).ends(Status.fromCode(code))).then(call -> call.headers(0).events(end(1)).ends(Status.OK));
        bench.follow(create).after(TENTH);
        endedWell();
    }

    @ParameterizedTest
    @EnumSource(value = Status.Code.class, names = {"CANCELLED", "INTERNAL", "NOT_FOUND", "OUT_OF_RANGE", "RESOURCE_EXHAUSTED"})
    void raisesWhatTheServiceSays(Status.Code code) {
        bench.server.then(call -> call.headers(0).ends(refusal(code, "REASON")));
        bench.follow(create);
        assertTrue(bench.feed.over());
        assertEquals("REASON", bench.feed.failure().reason());
    }

    @Test
    void raisesWhatIsNoBrokenLineAlsoWithoutAReason() {
        bench.server.then(call -> call.ends(Status.PERMISSION_DENIED));
        bench.follow(create);
        assertEquals(Status.Code.PERMISSION_DENIED, bench.feed.failure().code());
    }

    @Test
    void waitsAsLongAsTheServerAsks() {
        bench.server
                .then(call -> call.ends(refusal(Status.Code.UNAVAILABLE, "DRAINING", retryAfter(3))))
                .then(call -> call.headers(0).events(end(1)).ends(Status.OK));
        bench.follow(create).after(Duration.ofSeconds(3));
        endedWell();
    }

    @Test
    void dropsEventsThatComeAgain() {
        bench.server
                .then(call -> call.headers(0).events(custom(1), custom(2)).ends(Status.UNAVAILABLE))
                .then(call -> call.headers(0).events(custom(1)).events(custom(2), custom(3), end(4)).ends(Status.OK));
        bench.follow(create).after(TENTH);
        assertEquals(List.of(1L, 2L, 3L, 4L), bench.read());
    }

    @Test
    void handsOutTheLastEventToWhoJoinsBehindIt() {
        bench.server.then(call -> call.headers(4).events(end(4)).ends(Status.OK));
        bench.follow(new Route.Join(JoinRunRequest.newBuilder().setRunId("run").setAfterSeq(4).build()));
        assertEquals(List.of(4L), bench.read());
        endedWell();
    }

    @Test
    void joinsPieces() {
        bench.server.then(call -> call.headers(0).events(piece(custom(1), 0, 2)).events(piece(custom(1), 1, 2), end(2)).ends(Status.OK));
        bench.follow(create);
        assertEquals(custom(1), bench.feed.poll().proto());
    }

    @Test
    void comesBackForAMissingPiece() {
        bench.server
                .then(call -> call.headers(0).events(custom(1), piece(custom(2), 0, 3)).events(piece(custom(2), 2, 3)))
                .then(call -> call.headers(1).events(piece(custom(2), 0, 2), piece(custom(2), 1, 2), end(3)).ends(Status.OK));
        bench.follow(create).after(TENTH);
        assertEquals(List.of(1L, 2L, 3L), bench.read());
        assertEquals(1, bench.server.cancelled.size());
        bench.asked();
        assertEquals(1, bench.<JoinRunRequest>asked().getAfterSeq());
    }

    @Test
    void joinsNoPiecesOfDifferentEvents() {
        bench.server
                .then(call -> call.headers(0).events(piece(custom(1), 0, 2), piece(custom(2), 1, 2)))
                .then(call -> call.headers(0).events(custom(1), custom(2), end(3)).ends(Status.OK));
        bench.follow(create).after(TENTH);
        assertEquals(List.of(1L, 2L, 3L), bench.read());
    }

    @Test
    void dropsPiecesThatCameBeforeTheBreak() {
        bench.server
                .then(call -> call.headers(0).events(piece(custom(1), 0, 2)).ends(Status.UNAVAILABLE))
                .then(call -> call.headers(0).events(piece(custom(1), 0, 2), piece(custom(1), 1, 2), end(2)).ends(Status.OK));
        bench.follow(create).after(TENTH);
        assertEquals(List.of(1L, 2L), bench.read());
    }

    @Test
    void aBreakBehindTheLastEventIsNone() {
        bench.server.then(call -> call.headers(0).events(end(1)).ends(Status.UNAVAILABLE));
        bench.follow(create);
        endedWell();
    }

    @Test
    void doesNotWaitLongForTheCallToEnd() {
        bench.server.then(call -> call.headers(0).events(end(1)));
        bench.follow(create).after(Duration.ofSeconds(1));
        endedWell();
        assertEquals(1, bench.server.cancelled.size());
    }

    @Test
    void lacksNothingBehindTheLastEvent() {
        bench.server.then(call -> call.headers(0).events(end(1)));
        bench.follow(create, Duration.ofMillis(500)).after(Duration.ofMillis(500));
        endedWell();
    }

    @Test
    void waitsLongerEachTimeUntilThereIsProgress() {
        bench.server.then(call -> call.headers(0).ends(Status.UNAVAILABLE)).then(UNAVAILABLE).then(UNAVAILABLE);
        bench.server.then(call -> call.headers(0).events(custom(1)).ends(Status.UNAVAILABLE)).then(SILENT);
        bench.follow(create).after(TENTH).after(TENTH.multipliedBy(2)).after(TENTH.multipliedBy(4)).after(TENTH);
    }

    @Test
    void aLongCallIsProgress() {
        bench.server.then(call -> call.headers(0).ends(Status.UNAVAILABLE)).then(UNAVAILABLE);
        bench.server.then(call -> {
            call.headers(0);
            bench.settle();
            bench.clock.pass(Duration.ofSeconds(6));
            call.ends(Status.UNAVAILABLE);
        });
        bench.server.then(SILENT);
        bench.follow(create).after(TENTH).after(TENTH.multipliedBy(2)).after(TENTH);
    }

    @Test
    void raisesTheLastErrorWhenPatienceIsOver() throws IOException {
        bench.close();
        bench = new Bench(Duration.ofSeconds(1));
        bench.server.then(call -> call.headers(0).ends(Status.UNAVAILABLE)).then(UNAVAILABLE).then(UNAVAILABLE).then(call -> call.ends(Status.OK));
        bench.follow(create).after(TENTH).after(TENTH.multipliedBy(2)).after(TENTH.multipliedBy(4));
        assertTrue(bench.feed.over());
        assertEquals("STREAM_CUT", bench.feed.failure().reason());
        assertEquals(Status.Code.DATA_LOSS, bench.feed.failure().code());
        assertFalse(bench.clock.waiting());
    }

    @Test
    void hasLittlePatienceWithAStranger() {
        for (int call = 0; call < 5; call++) {
            bench.server.then(UNAVAILABLE);
        }
        bench.follow(create);
        while (!bench.feed.over()) {
            bench.clock.toNext();
            bench.settle();
        }
        assertEquals(Status.Code.UNAVAILABLE, bench.feed.failure().code());
        assertTrue(bench.clock.nanos() <= Duration.ofSeconds(2).toNanos());
        assertTrue(bench.clock.nanos() >= Duration.ofSeconds(1).toNanos());
    }

    @Test
    void aServerThatSpeaksIsNoStranger() {
        for (int call = 0; call < 8; call++) {
            bench.server.then(answer -> answer.ends(refusal(Status.Code.UNAVAILABLE, "STORE_UNAVAILABLE")));
        }
        bench.follow(create);
        for (int call = 1; call < 8; call++) {
            bench.clock.toNext();
            bench.settle();
        }
        assertFalse(bench.feed.over());
        assertTrue(bench.clock.nanos() > Duration.ofSeconds(2).toNanos());
    }

    @Test
    void givesUpATryThatNobodyAnswers() {
        bench.server.then(call -> call.headers(0).ends(Status.UNAVAILABLE.withDescription("first"))).then(SILENT);
        bench.follow(create).after(TENTH).after(Duration.ofSeconds(60).minus(TENTH));
        assertEquals("first", bench.feed.failure().getMessage());
        assertEquals(1, bench.server.cancelled.size());
    }

    @Test
    void doesNotCountTheTimeInWhichTheReaderIsBusy() {
        bench.server.then(call -> call.headers(0).events(custom(1)).ends(Status.UNAVAILABLE)).then(UNAVAILABLE).then(SILENT);
        bench.follow(create);
        bench.clock.toNext();
        bench.clock.pass(Duration.ofSeconds(90));
        bench.settle().after(TENTH.multipliedBy(2));
        assertFalse(bench.feed.over());
        bench.after(Duration.ofSeconds(60).minus(TENTH.multipliedBy(3)));
        assertEquals(Status.Code.UNAVAILABLE, bench.feed.failure().code());
    }

    @Test
    void doesNotGoOnWithoutPatience() throws IOException {
        bench.close();
        bench = new Bench(Duration.ZERO);
        bench.server.then(call -> call.headers(0).events(custom(1)).ends(Status.UNAVAILABLE));
        bench.follow(create);
        assertEquals(List.of(1L), bench.read());
        assertEquals(Status.Code.UNAVAILABLE, bench.feed.failure().code());
    }

    @Test
    void doesNotGoOnAfterTheCallersDeadline() {
        bench.server.then(call -> call.headers(0).events(custom(1)));
        bench.follow(create, Duration.ofSeconds(7)).after(Duration.ofSeconds(7));
        assertEquals(Status.Code.DEADLINE_EXCEEDED, bench.feed.failure().code());
        assertEquals(1, bench.server.cancelled.size());
        assertFalse(bench.clock.waiting());
    }

    @Test
    void doesNotGoOnForACallerWhoHasLeft() {
        bench.server.then(call -> call.headers(0).events(custom(1)));
        bench.follow(create);
        bench.feed.leave();
        bench.settle();
        endedWell();
        assertEquals(1, bench.server.cancelled.size());
        assertFalse(bench.clock.waiting());
    }

    @Test
    void doesNotComeBackForACallerWhoLeftDuringTheWait() {
        bench.server.then(call -> call.headers(0).ends(Status.UNAVAILABLE));
        bench.follow(create);
        bench.feed.leave();
        bench.settle();
        assertFalse(bench.clock.waiting());
    }

    @Test
    void endsWithItsClient() {
        bench.server.then(call -> call.headers(0).ends(Status.UNAVAILABLE));
        bench.follow(create);
        bench.line.close();
        bench.settle();
        assertEquals("the client was closed", bench.feed.failure().getMessage());
    }

    @Test
    void asksForNoMoreThanItHasRoomFor() {
        bench.server.then(call -> {
            call.headers(0);
            for (int seq = 1; seq <= 500; seq++) {
                call.events(custom(seq));
            }
            call.events(end(501)).ends(Status.OK);
        });
        bench.follow(create);
        assertFalse(bench.feed.over());
        assertEquals(501, bench.read().size());
        endedWell();
    }
}
