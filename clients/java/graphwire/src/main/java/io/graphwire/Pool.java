package io.graphwire;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/** The threads of a client: as many as have something to do at once, none of which keeps the program from ending. */
final class Pool {
    private Pool() {}

    static ExecutorService open() {
        AtomicInteger number = new AtomicInteger();
        return Executors.newCachedThreadPool(action -> daemon(action, "graphwire-" + number.incrementAndGet()));
    }

    static Thread daemon(Runnable action, String name) {
        Thread thread = new Thread(action, name);
        thread.setDaemon(true);
        return thread;
    }
}
