package io.graphwire;

import java.time.Duration;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/** The time of the machine. One thread of a client does all that is to be done later: it only hands on. */
final class SystemClock implements Clock, AutoCloseable {
    private final ScheduledThreadPoolExecutor pool;

    SystemClock() {
        pool = new ScheduledThreadPoolExecutor(1, action -> Pool.daemon(action, "graphwire-timer"));
        pool.setRemoveOnCancelPolicy(true);
        pool.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
    }

    @Override
    public long nanos() {
        return System.nanoTime();
    }

    @Override
    public Runnable later(Duration delay, Runnable action) {
        try {
            Future<?> planned = pool.schedule(action, delay.toNanos(), TimeUnit.NANOSECONDS);
            return () -> planned.cancel(false);
        } catch (RejectedExecutionException closed) { // the client was closed, which ends every stream by itself
            return () -> {};
        }
    }

    @Override
    public void close() {
        pool.shutdownNow();
    }
}
