package io.graphwire;

import io.grpc.ConnectivityState;
import io.grpc.ManagedChannel;

/**
 * Has a lost connection tried again after 0.1 s, then more slowly, at most 5 s apart.
 *
 * <p>The channel's own pauses grow to two minutes and cannot be set: a server would be back long before anybody notices.
 */
final class Reconnecting {
    private final ManagedChannel channel;
    private final Clock clock;
    private final Backoff backoff;
    private int failures;
    private boolean planned;

    Reconnecting(ManagedChannel channel, Clock clock, Backoff backoff) {
        this.channel = channel;
        this.clock = clock;
        this.backoff = backoff;
    }

    /** Watches the channel until it is shut down. */
    synchronized void watch() {
        ConnectivityState state = channel.getState(false);
        switch (state) {
            case SHUTDOWN -> {
                return;
            }
            case READY -> failures = 0;
            case TRANSIENT_FAILURE -> plan();
            default -> {}
        }
        channel.notifyWhenStateChanged(state, this::watch);
    }

    private void plan() {
        if (!planned) {
            planned = true;
            clock.later(backoff.delay(failures++), this::again);
        }
    }

    private synchronized void again() {
        planned = false;
        if (channel.getState(false) == ConnectivityState.TRANSIENT_FAILURE) {
            channel.resetConnectBackoff();
            plan(); // the state stays as it is until a connection succeeds, so nothing else would tell of the next failure
        }
    }
}
