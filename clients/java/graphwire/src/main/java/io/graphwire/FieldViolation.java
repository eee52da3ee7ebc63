package io.graphwire;

/**
 * A field of a request that is wrong.
 *
 * @param field its path in the request, such as {@code config.recursion_limit}
 * @param description what is wrong, and what it should be
 */
public record FieldViolation(String field, String description) {}
