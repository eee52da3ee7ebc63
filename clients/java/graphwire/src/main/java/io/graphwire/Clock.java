package io.graphwire;

import java.time.Duration;

/** Time, as streams need it. Passed in, so that tests do not wait. */
interface Clock {
    /** Nanoseconds since some moment in the past; only differences count. */
    long nanos();

    /**
     * Has something done later, once. What is done must not block.
     *
     * @return what takes it back; without effect once it was done
     */
    Runnable later(Duration delay, Runnable action);
}
