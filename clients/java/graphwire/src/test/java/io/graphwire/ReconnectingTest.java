package io.graphwire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.ConnectivityState;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class ReconnectingTest {
    private final FakeClock clock = new FakeClock();
    private final FakeChannel channel = new FakeChannel();
    private final Reconnecting reconnecting = new Reconnecting(channel, clock, new Backoff(clock, () -> 1));

    @Test
    void triesAgainMoreAndMoreSlowly() {
        reconnecting.watch();
        channel.becomes(ConnectivityState.TRANSIENT_FAILURE);
        for (long wait : new long[] {100, 200, 400, 800, 1600, 3200, 5000, 5000}) {
            assertEquals(Duration.ofMillis(wait), clock.untilNext());
            clock.toNext();
        }
        assertEquals(8, channel.tries);
    }

    @Test
    void startsAnewAfterAConnection() {
        reconnecting.watch();
        channel.becomes(ConnectivityState.TRANSIENT_FAILURE);
        clock.toNext();
        channel.becomes(ConnectivityState.READY);
        clock.toNext();
        assertEquals(1, channel.tries);
        channel.becomes(ConnectivityState.TRANSIENT_FAILURE);
        assertEquals(Duration.ofMillis(100), clock.untilNext());
    }

    @Test
    void endsWithTheChannel() {
        reconnecting.watch();
        channel.becomes(ConnectivityState.SHUTDOWN);
        assertFalse(clock.waiting());
        assertFalse(channel.watched());
    }

    private static final class FakeChannel extends ManagedChannel {
        private ConnectivityState state = ConnectivityState.IDLE;
        private Runnable watcher;
        private int tries;

        void becomes(ConnectivityState next) {
            state = next;
            Runnable told = watcher;
            watcher = null;
            told.run();
        }

        boolean watched() {
            return watcher != null;
        }

        @Override
        public ConnectivityState getState(boolean requestConnection) {
            return state;
        }

        @Override
        public void notifyWhenStateChanged(ConnectivityState source, Runnable callback) {
            watcher = callback;
        }

        @Override
        public void resetConnectBackoff() {
            tries++;
        }

        @Override
        public ManagedChannel shutdown() {
            return this;
        }

        @Override
        public boolean isShutdown() {
            return false;
        }

        @Override
        public boolean isTerminated() {
            return false;
        }

        @Override
        public ManagedChannel shutdownNow() {
            return this;
        }

        @Override
        public boolean awaitTermination(long timeout, TimeUnit unit) {
            return true;
        }

        @Override
        public <Q, A> ClientCall<Q, A> newCall(MethodDescriptor<Q, A> method, CallOptions options) {
            throw new UnsupportedOperationException();
        }

        @Override
        public String authority() {
            return "";
        }
    }
}
