package io.graphwire;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** A time that passes when a test says so. */
final class FakeClock implements Clock {
    private final List<Plan> plans = new ArrayList<>();
    private long now;

    private record Plan(long due, Runnable action) {}

    @Override
    public long nanos() {
        return now;
    }

    @Override
    public Runnable later(Duration delay, Runnable action) {
        Plan plan = new Plan(now + delay.toNanos(), action);
        plans.add(plan);
        return () -> plans.remove(plan);
    }

    /** How long until the next thing is to be done. */
    Duration untilNext() {
        return Duration.ofNanos(next().due() - now);
    }

    /** Whether something is to be done. */
    boolean waiting() {
        return !plans.isEmpty();
    }

    /** Lets time pass up to the next thing, and does it. */
    void toNext() {
        Plan plan = next();
        now = Math.max(now, plan.due());
        plans.remove(plan);
        plan.action().run();
    }

    /** Lets time pass in which nothing is done. */
    void pass(Duration time) {
        now += time.toNanos();
    }

    private Plan next() {
        return plans.stream().min(Comparator.comparingLong(Plan::due)).orElseThrow();
    }
}
