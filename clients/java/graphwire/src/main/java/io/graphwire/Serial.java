package io.graphwire;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;

/** Does what it is given one after another, on the threads of another executor, and holds none of them while there is nothing to do. */
final class Serial implements Executor {
    private final Executor pool;
    private final Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();
    private final AtomicInteger waiting = new AtomicInteger();

    Serial(Executor pool) {
        this.pool = pool;
    }

    @Override
    public void execute(Runnable task) {
        tasks.add(task);
        if (waiting.getAndIncrement() != 0) {
            return;
        }
        try {
            pool.execute(this::runAll);
        } catch (RejectedExecutionException closed) { // the client was closed: its streams must still end
            runAll();
        }
    }

    private void runAll() {
        do {
            tasks.remove().run();
        } while (waiting.decrementAndGet() != 0);
    }
}
