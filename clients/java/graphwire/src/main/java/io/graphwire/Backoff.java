package io.graphwire;

import java.time.Duration;
import java.util.Optional;
import java.util.function.DoubleSupplier;

/**
 * When something that failed is tried again.
 *
 * <p>The k-th try since there was progress waits min(0.1 s · 2^(k-1), 5 s), times a random factor from 0.5 to 1, and no less than the other side asks for.
 */
final class Backoff {
    static final Duration FIRST = Duration.ofMillis(100);
    static final Duration LONGEST = Duration.ofSeconds(5);

    private final Clock clock;
    private final DoubleSupplier random;
    private int tries;
    private long since;
    private long due;

    /**
     * @param random gives numbers from 0 to 1
     */
    Backoff(Clock clock, DoubleSupplier random) {
        this.clock = clock;
        this.random = random;
    }

    /** There was progress: what fails from now on fails for the first time. */
    void progress() {
        tries = 0;
    }

    /** Whether the last thing that was tried failed. */
    boolean failing() {
        return tries > 0;
    }

    /**
     * How long to wait before the next try; empty where it would come after patience is over.
     *
     * @param patience how long tries may fail, from the first failure since there was progress
     * @param atLeast what the other side asks for
     */
    Optional<Duration> next(Duration patience, Duration atLeast) {
        if (tries == 0) {
            since = clock.nanos();
        }
        Duration wait = longer(delay(tries), atLeast);
        if (patience.isZero() || wait.compareTo(left(patience)) > 0) {
            return Optional.empty();
        }
        tries++;
        due = clock.nanos() + wait.toNanos();
        return Optional.of(wait);
    }

    /** The next try is made now. Where it is late, since nobody had time for it, that does not count against patience. */
    void tried() {
        since += Math.max(0, clock.nanos() - due);
    }

    /** How much of patience is left; less than nothing where it is over. */
    Duration left(Duration patience) {
        return patience.minusNanos(clock.nanos() - since);
    }

    /** The wait after a number of failures, without regard to patience. */
    Duration delay(int failures) {
        long doubled = FIRST.toNanos() << Math.min(failures, 10);
        double factor = 0.5 + random.getAsDouble() / 2;
        return Duration.ofNanos((long) (Math.min(doubled, LONGEST.toNanos()) * factor));
    }

    private static Duration longer(Duration one, Duration other) {
        return one.compareTo(other) >= 0 ? one : other;
    }
}
