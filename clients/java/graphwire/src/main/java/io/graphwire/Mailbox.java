package io.graphwire;

import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;

/** An executor without a thread: what it is given is done by the thread that reads the stream, while it waits for the next event. */
final class Mailbox implements Executor {
    private final BlockingQueue<Runnable> tasks = new LinkedBlockingQueue<>();

    @Override
    public void execute(Runnable task) {
        tasks.add(task);
    }

    /** Waits for something to do, and does it. */
    void runNext() throws InterruptedException {
        tasks.take().run();
    }
}
